package io.kmolt.link;

import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.Map;

/** Lays modules out in memory as a kernel would, and says where their relocations lead. */
public final class SimulatedKernel {
    private static final long MODULES = 0xffff_ffff_c000_0000L;
    private static final long SIZE = 0x10_0000L;
    private static final long LOAD = 4711;
    private static final long PER_CPU = 0x3_0000L;

    private SimulatedKernel() {}

    /** The base, loaded. */
    static RunningModule load(KernelModule module) {
        return load(module, module.name(), 0);
    }

    /** An edition, loaded between the base and what is linked: the first one, the second one, … */
    static RunningModule loadEdition(KernelModule module, int number) {
        return load(module, "kmolt_tiny_" + number, number);
    }

    private static RunningModule load(KernelModule module, String name, int number) {
        long start = MODULES + number * SIZE;
        Map<String, Long> sections = new HashMap<>();
        layOut(module.elf(), start)
                .forEach((index, address) ->
                        sections.put(module.elf().sections().get(index).name(), address));
        Map<String, Long> perCpu = new HashMap<>();
        for (Item item : module.objects()) {
            if (item.kind() == SectionKind.PERCPU) {
                perCpu.put(item.name(), PER_CPU + item.offset());
            }
        }
        return new RunningModule(name, start, SIZE, LOAD + number, sections, perCpu);
    }

    /** Where each section goes, by its index. */
    public static Map<Integer, Long> layOut(ElfObject elf, long start) {
        Map<Integer, Long> addresses = new HashMap<>();
        long next = start;
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc()) {
                long align = Math.max(1, section.addralign());
                next = (next + align - 1) / align * align;
                addresses.put(section.index(), next);
                next += section.size();
            }
        }
        return addresses;
    }

    /** An update, loaded behind the base. */
    public static Map<Integer, Long> loadUpdate(ElfObject update) {
        return layOut(update, MODULES + 0x800_0000);
    }

    /** Symbol plus addend, as a number; imports count as 0. */
    public static long leadsTo(ElfObject elf, Map<Integer, Long> sections, ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        if (symbol.isUndefined()) {
            return relocation.addend();
        }
        long start = symbol.isAbsolute() ? 0 : sections.getOrDefault(symbol.shndx(), 0L);
        return start + symbol.value() + relocation.addend();
    }
}
