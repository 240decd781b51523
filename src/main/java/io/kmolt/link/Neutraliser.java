package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ModVersion;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Turns the new build's file into another module that registers nothing: another name, no parameters, trace events,
 * exports or types of its own.
 *
 * <p>The loader finds what it registers by section names ({@code find_module_sections()} in {@code
 * kernel/module/main.c}), so a section with another name is left alone.
 */
public final class Neutraliser {
    private static final Set<String> KEPT_INFO =
            Set.of("license", "version", "srcversion", "vermagic", "retpoline", "import_ns");

    private Neutraliser() {}

    static void renameRegistrations(KernelModule edition, ElfEditor editor) {
        for (ElfSection section : edition.elf().sections()) {
            SectionKind kind = edition.kind(section.index());
            if (kind == SectionKind.REGISTRATION || kind == SectionKind.TRACE) {
                editor.renameSection(section.index(), ".kmolt." + section.name());
            }
        }
        renameTypes(edition.elf(), editor);
    }

    /** The kernel refuses types that were made for another one, with a warning. */
    public static void renameTypes(ElfObject file, ElfEditor editor) {
        for (ElfSection section : file.sections()) {
            if (section.name().startsWith(".BTF")) {
                editor.renameSection(section.index(), ".kmolt." + section.name());
            }
        }
    }

    /** Per-CPU memory of modules is scarce; a section whose variables are all shared asks for none. */
    static void dropSharedPerCpu(KernelModule edition, Sharing sharing, ElfEditor editor) {
        for (ElfSection section : edition.elf().sections()) {
            if (edition.kind(section.index()) == SectionKind.PERCPU
                    && edition.in(section.index()).stream()
                            .allMatch(i -> sharing.address(i).isPresent())) {
                editor.renameSection(section.index(), ".kmolt." + section.name());
                editor.setFlags(section.index(), section.flags() & ~Elf.SHF_ALLOC);
            }
        }
    }

    /** What the module says of itself: whose build it is, but neither its aliases nor its parameters. */
    static void replaceInfo(LinkInput input, ModuleShell shell) {
        SequencedMap<String, String> said = new LinkedHashMap<>();
        said.put("name", input.name());
        said.put("description", "kmolt: an edition of " + input.edition().name());
        said.put("depends", "kmolt");
        shell.replaceInfo(said, KEPT_INFO::contains);
    }

    /** Adds the CRCs of what the update imports and the new build does not: the core's exports, what slots held before. */
    static void addVersions(LinkInput input, ModuleShell shell, List<String> names, List<Slot> slots) {
        Map<String, Integer> base = versions(input.base().comparison().oldModule());
        SequencedMap<String, Long> added = ModuleShell.exports(input.core(), names);
        for (Slot slot : slots) {
            Integer crc = base.get(slot.baseImport());
            if (crc != null) {
                added.put(slot.baseImport(), Integer.toUnsignedLong(crc));
            }
        }
        shell.addVersions(added);
    }

    private static Map<String, Integer> versions(KernelModule module) {
        Map<String, Integer> crcs = new HashMap<>();
        for (ModVersion version : module.elf().symbolVersions()) {
            crcs.put(version.name(), version.crc());
        }
        return crcs;
    }
}
