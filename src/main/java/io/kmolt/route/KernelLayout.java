package io.kmolt.route;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.BtfType;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Where a kernel keeps what routes ask for. All are offsets in bytes.
 *
 * @param currentTask of the pointer to the running task, in the per-CPU area that gs points to
 * @param cpuNumber of the CPU's number (32 bits), in the same area
 * @param cred of the pointer to the credentials, in {@code struct task_struct}
 * @param uid of {@code kuid_t uid}, in {@code struct cred}
 * @param gid of {@code kgid_t gid}, in {@code struct cred}
 * @param pid of the thread's number, in {@code struct task_struct}
 * @param tgid of the process's number, in {@code struct task_struct}
 */
public record KernelLayout(int currentTask, int cpuNumber, int cred, int uid, int gid, int pid, int tgid) {

    /**
     * Finds the offsets.
     *
     * @param vmlinux the kernel's types
     * @param currentTask value of the per-CPU symbol {@code current_task} as in {@code /proc/kallsyms}, which counts from the
     *     start of the per-CPU area ({@code CONFIG_KALLSYMS_ABSOLUTE_PERCPU})
     * @param cpuNumber value of the per-CPU symbol {@code cpu_number}, likewise
     * @throws BtfException if the kernel's structures are not as expected
     */
    public static KernelLayout of(Btf vmlinux, long currentTask, long cpuNumber) throws BtfException {
        return new KernelLayout(
                perCpu(vmlinux, "current_task", currentTask),
                perCpu(vmlinux, "cpu_number", cpuNumber),
                offset(vmlinux, "task_struct", "cred", 8),
                offset(vmlinux, "cred", "uid", 4),
                offset(vmlinux, "cred", "gid", 4),
                offset(vmlinux, "task_struct", "pid", 4),
                offset(vmlinux, "task_struct", "tgid", 4));
    }

    /** An instruction has 31 bits for it. */
    private static int perCpu(Btf vmlinux, String symbol, long value) throws BtfException {
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new BtfException(
                    vmlinux.name(),
                    "its %s is at 0x%x: that is no offset of a per-CPU variable".formatted(symbol, value));
        }
        return (int) value;
    }

    private static int offset(Btf btf, String structure, String member, long size) throws BtfException {
        List<Long> offsets = new ArrayList<>();
        for (int id : btf.ids(structure)) {
            if (btf.type(id) instanceof BtfType.Composite composite) {
                find(btf, composite, 0, member, size).ifPresent(offsets::add);
            }
        }
        if (offsets.size() != 1 || offsets.getFirst() > Integer.MAX_VALUE) {
            throw new BtfException(
                    btf.name(), "struct %s has no member %s of %d bytes".formatted(structure, member, size));
        }
        return offsets.getFirst().intValue();
    }

    /** Members of anonymous structures count as the outer structure's. */
    private static OptionalLong find(Btf btf, BtfType.Composite composite, long origin, String name, long size) {
        for (BtfType.Member member : composite.members()) {
            long bits = origin + member.bitOffset();
            if (member.name().equals(name)) {
                boolean fits = member.bitSize() == 0 && bits % 8 == 0 && btf.sizeOf(member.type()) == size;
                return fits ? OptionalLong.of(bits / 8) : OptionalLong.empty();
            }
            if (member.name().isEmpty() && btf.type(btf.resolved(member.type())) instanceof BtfType.Composite inner) {
                OptionalLong found = find(btf, inner, bits, name, size);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return OptionalLong.empty();
    }
}
