package io.kmolt.swap;

import java.io.IOException;
import java.util.List;

/**
 * What a guest's kernel uses.
 *
 * @param modules how many modules are loaded
 * @param moduleBytes their size in all, as in {@code /proc/modules}
 * @param sysfsEntries files and folders that tell of modules and of kmolt
 * @param kernelKiB slab, vmalloc and per-CPU memory, kernel stacks and page tables, as in {@code /proc/meminfo}
 * @param availableKiB {@code MemAvailable} there, with all caches dropped; and {@code Shmem}, as a guest's files are in
 *     memory, its journal, which grows by design, among them; and free pages that wait in the lists of CPUs ({@code count}
 *     in {@code /proc/zoneinfo}), 14 MiB and more, which no line of {@code /proc/meminfo} counts
 * @param mappings entries of {@code /proc/vmallocinfo}
 */
record KernelMemory(
        long modules, long moduleBytes, long sysfsEntries, long kernelKiB, long availableKiB, long mappings) {
    /** How many KiB more may be in use at the end; 1,000 swaps have taken 368. docs/limits.md states it. */
    static final long TOLERANCE_KIB = 1024;

    private static final String QUESTION = """
            sync; for i in 1 2 3; do echo 3 >/proc/sys/vm/drop_caches; echo 1 >/proc/sys/vm/compact_memory; sleep 1; done
            awk '{ n++; s += $2 } END { print n; print s }' /proc/modules
            find /sys/module /sys/kernel/kmolt /sys/kernel/debug 2>/dev/null | wc -l
            awk '/^(Slab|VmallocUsed|Percpu|KernelStack|PageTables):/ { s += $2 } END { print s }' /proc/meminfo
            awk '/^(MemAvailable|Shmem):/ { s += $2 } /^ *count:/ { s += $2 * 4 } END { print s }' /proc/meminfo /proc/zoneinfo
            wc -l </proc/vmallocinfo
            """;

    static KernelMemory of(SwapGuest guest) throws IOException {
        List<String> lines = guest.sh(QUESTION).lines().map(String::strip).toList();
        List<Long> numbers = lines.stream().map(Long::valueOf).toList();
        return new KernelMemory(
                numbers.get(0), numbers.get(1), numbers.get(2), numbers.get(3), numbers.get(4), numbers.get(5));
    }
}
