package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import java.util.HashMap;
import java.util.Map;

/**
 * Where the kernel's function tracer can hook a module's functions: the compiler lists the calls of {@code __fentry__} in
 * {@code __mcount_loc}.
 */
public final class FtraceSites {
    private FtraceSites() {}

    /** The site of each function that has one, as an offset from the function's beginning. */
    public static Map<Item, Long> of(KernelModule module) {
        Map<Item, Long> sites = new HashMap<>();
        for (ElfSection section : module.elf().sections()) {
            if (section.name().equals("__mcount_loc")) {
                for (Reference reference : module.references(section.index())) {
                    if (reference.referent() instanceof Referent.InItem in
                            && in.item().function()) {
                        sites.put(in.item(), in.delta());
                    }
                }
            }
        }
        return sites;
    }
}
