package io.kmolt.module;

import java.util.Map;
import java.util.Optional;

/**
 * Where a loaded module is in a running kernel.
 *
 * @param name its name
 * @param address its address, as in {@code /proc/modules}
 * @param size its size in bytes, as in {@code /proc/modules}
 * @param load the inode number of {@code /sys/module/NAME}, which no other load of a module has in the same boot
 * @param sections address of each of its sections, from {@code /sys/module/NAME/sections}
 * @param perCpuSymbols per-CPU addresses of its symbols, from {@code /proc/kallsyms}
 */
public record RunningModule(
        String name, long address, long size, long load, Map<String, Long> sections, Map<String, Long> perCpuSymbols) {

    /** Where an item of the module's file is; empty if the kernel does not say. */
    public Optional<Long> address(KernelModule file, Item item) {
        if (item.kind() == SectionKind.PERCPU) {
            return Optional.ofNullable(perCpuSymbols.get(item.name()));
        }
        return address(file, item.section(), item.offset());
    }

    /** Where a place in a section of the module's file is; empty if the kernel does not say. */
    public Optional<Long> address(KernelModule file, int section, long offset) {
        Long start = sections.get(file.elf().sections().get(section).name());
        return start == null ? Optional.empty() : Optional.of(start + offset);
    }
}
