package io.kmolt.edition;

/**
 * A line of {@code /proc/kallsyms}.
 *
 * @param address where it is; 0 if the kernel hides addresses
 * @param type as nm(1) has it
 * @param object the module that it is in; empty for vmlinux
 */
public record KernelSymbol(long address, char type, String object) {

    /** Whether it is code. Weak functions are {@code W}, weak objects {@code V}. */
    public boolean isFunction() {
        return switch (type) {
            case 't', 'T', 'w', 'W' -> true;
            default -> false;
        };
    }

    /** Whether the address is withheld. Absolute symbols, as those of per-CPU variables, may well be 0. */
    boolean isHidden() {
        return address == 0 && Character.toUpperCase(type) != 'A';
    }

    /** What {@code KMOLT_EDITION} and {@code KMOLT_SYMBOL} call the object. */
    String objectName() {
        return object.isEmpty() ? "vmlinux" : object;
    }
}
