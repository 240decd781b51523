package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * A module's file at a glance.
 *
 * @param file where it is
 * @param name the module's name
 * @param buildId in hexadecimal; empty if it has none
 * @param version what MODULE_VERSION says; may be empty
 * @param srcversion a hash of its sources; may be empty
 * @param vermagic the kernel that it was built for
 * @param signed whether a signature stands behind it
 * @param size of the file, in bytes
 * @param sections bytes of the sections of each kind that the kernel loads
 * @param functions functions that may run while the module is loaded
 * @param traceable those of them that the function tracer can hook, so that callers can be redirected
 * @param variables objects whose contents survive a swap
 * @param tables constant objects with addresses in them, such as operation tables
 * @param exports symbols that other modules can import
 * @param imports symbols of the kernel and of other modules that it uses
 */
public record ModuleSummary(
        String file,
        String name,
        String buildId,
        String version,
        String srcversion,
        String vermagic,
        boolean signed,
        long size,
        Map<SectionKind, Long> sections,
        int functions,
        int traceable,
        int variables,
        int tables,
        int exports,
        int imports) {

    /**
     * Sums a module up.
     *
     * @param file the file's bytes, from which the module was parsed
     */
    public static ModuleSummary of(KernelModule module, byte[] file) {
        List<Item> functions = module.functions();
        List<Item> objects = module.objects();
        return new ModuleSummary(
                module.elf().name(),
                module.name(),
                module.buildId().orElse(""),
                module.info("version"),
                module.info("srcversion"),
                module.info("vermagic").strip(),
                Signature.size(file) > 0,
                file.length,
                sections(module),
                functions.size(),
                count(functions, FtraceSites.of(module).keySet()::contains),
                count(objects, i -> i.kind() == SectionKind.STATE || i.kind() == SectionKind.PERCPU),
                count(
                        objects,
                        i -> i.kind() == SectionKind.DEFINITION
                                && !module.references(i).isEmpty()),
                count(module.elf().symbols(), s -> s.isDefined() && s.name().startsWith("__ksymtab_")),
                count(module.elf().symbols(), s -> s.isUndefined() && !s.name().isEmpty()));
    }

    private static Map<SectionKind, Long> sections(KernelModule module) {
        Map<SectionKind, Long> sizes = new EnumMap<>(SectionKind.class);
        for (ElfSection section : module.elf().sections()) {
            if (section.isAlloc() && section.size() > 0) {
                sizes.merge(module.kind(section.index()), section.size(), Long::sum);
            }
        }
        return sizes;
    }

    private static <T> int count(List<T> all, Predicate<T> which) {
        return (int) all.stream().filter(which).count();
    }
}
