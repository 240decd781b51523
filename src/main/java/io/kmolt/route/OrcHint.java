package io.kmolt.route;

/**
 * How a stack is unwound from here on: the caller's stack pointer is {@code spOffset} bytes above the stack pointer, and
 * the return address is right below it.
 *
 * @param offset in the code
 * @param spOffset in bytes; {@link #UNDEFINED} after the end of the code
 */
public record OrcHint(int offset, int spOffset) {
    /** There is nothing to unwind. */
    public static final int UNDEFINED = 0;

    public boolean isUndefined() {
        return spOffset == UNDEFINED;
    }
}
