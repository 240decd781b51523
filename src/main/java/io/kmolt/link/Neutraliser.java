package io.kmolt.link;

import io.kmolt.diff.Exports;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns the new build's file into another module that registers nothing: another name, no parameters, trace events,
 * exports or types of its own.
 *
 * <p>The loader finds what it registers by section names ({@code find_module_sections()} in {@code
 * kernel/module/main.c}), so a section with another name is left alone.
 */
final class Neutraliser {
    /** Offset and size of {@code name} in {@code struct module}: behind {@code state} and {@code list}. */
    private static final int NAME_OFFSET = 24;

    private static final int NAME_SIZE = 56;
    private static final int VERSION_ENTRY_SIZE = 64;

    private static final Set<String> KEPT_INFO = Set.of("license", "version", "srcversion", "vermagic", "retpoline");

    private Neutraliser() {}

    static void renameRegistrations(KernelModule edition, ElfEditor editor) {
        for (ElfSection section : edition.elf().sections()) {
            SectionKind kind = edition.kind(section.index());
            if (kind == SectionKind.REGISTRATION
                    || kind == SectionKind.TRACE
                    || section.name().startsWith(".BTF")) {
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
    static void replaceInfo(LinkInput input, ElfEditor editor) {
        KernelModule edition = input.edition();
        StringBuilder info = new StringBuilder();
        append(info, "name", input.name());
        append(info, "description", "kmolt: an edition of " + edition.name());
        append(info, "depends", "kmolt");
        for (Map.Entry<String, String> entry : edition.elf().modinfo()) {
            if (KEPT_INFO.contains(entry.getKey())) {
                append(info, entry.getKey(), entry.getValue());
            }
        }
        // The old one stays under another name, as symbols refer into it.
        editor.renameSection(edition.elf().section(".modinfo").orElseThrow().index(), ".kmolt.modinfo");
        editor.addSection(
                ".modinfo", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, info.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void append(StringBuilder info, String key, String value) {
        info.append(key).append('=').append(value).append('\0');
    }

    /** The module's own {@code struct module}: its name, and the stubs as its init and exit. */
    static void replaceModule(LinkInput input, ElfEditor editor, Stubs stubs) {
        KernelModule edition = input.edition();
        ElfSection section = edition.elf().section(".gnu.linkonce.this_module").orElseThrow();
        byte[] content = edition.content(section.index()).clone();
        byte[] name = input.name().getBytes(StandardCharsets.US_ASCII);
        Arrays.fill(content, NAME_OFFSET, NAME_OFFSET + NAME_SIZE, (byte) 0);
        System.arraycopy(name, 0, content, NAME_OFFSET, name.length);
        editor.setContent(section.index(), content);
        // Where init and exit are differs between kernels; the core, built for this one, has both.
        List<ElfRelocation> relocations = new ArrayList<>();
        ElfSection of = input.core().elf().section(".gnu.linkonce.this_module").orElseThrow();
        for (ElfRelocation relocation : input.core().elf().relocations(of.index())) {
            String target =
                    input.core().elf().symbols().get(relocation.symbol()).name();
            int stub = target.equals("init_module") ? stubs.init() : stubs.exit();
            relocations.add(new ElfRelocation(relocation.offset(), Elf.R_X86_64_64, stub, 0));
        }
        editor.setRelocations(section.index(), relocations);
    }

    /** Adds the CRCs of the core's exports, which the stubs call. */
    static void addVersions(LinkInput input, ElfEditor editor, List<String> names) {
        KernelModule edition = input.edition();
        ElfSection section = edition.elf().section("__versions").orElse(null);
        if (section == null) {
            return;
        }
        byte[] old = edition.content(section.index());
        ByteBuffer versions = ByteBuffer.allocate(old.length + names.size() * VERSION_ENTRY_SIZE)
                .order(ByteOrder.LITTLE_ENDIAN);
        versions.put(old);
        for (String name : names) {
            int start = versions.position();
            versions.putLong(crc(input.core(), name));
            versions.put(name.getBytes(StandardCharsets.US_ASCII));
            versions.position(start + VERSION_ENTRY_SIZE);
        }
        editor.setContent(section.index(), versions.array());
    }

    private static long crc(KernelModule core, String name) {
        return Exports.crcs(core).getOrDefault(name, 0L);
    }
}
