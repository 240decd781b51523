package io.kmolt.link;

import io.kmolt.diff.Exports;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ModVersion;
import io.kmolt.module.KernelModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What makes a file a module to the loader, under another name: its {@code struct module}, what it says of itself, and
 * the CRCs of what it imports.
 *
 * @param file the file that is edited
 * @param editor its editor
 */
public record ModuleShell(ElfObject file, ElfEditor editor) {
    private static final String THIS_MODULE = ".gnu.linkonce.this_module";
    private static final String MODINFO = ".modinfo";

    /** Offset and size of {@code name} in {@code struct module}: behind {@code state} and {@code list}. */
    private static final int NAME_OFFSET = 24;

    /** {@code MODULE_NAME_LEN}, with the NUL at its end. */
    public static final int NAME_SIZE = 56;

    private static final int VERSION_ENTRY_SIZE = 64;

    /** A symbol for the module's own struct module. */
    public int ownModule() {
        int section = file.section(THIS_MODULE).orElseThrow().index();
        return editor.addSymbol("kmolt_this_module", Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, 0);
    }

    /**
     * Replaces what the module says of itself.
     *
     * @param said what it says now
     * @param kept the keys of which it goes on saying what it said
     */
    public void replaceInfo(SequencedMap<String, String> said, Predicate<String> kept) {
        StringBuilder info = new StringBuilder();
        said.forEach((key, value) -> append(info, key, value));
        for (Map.Entry<String, String> entry : file.modinfo()) {
            if (kept.test(entry.getKey()) && !said.containsKey(entry.getKey())) {
                append(info, entry.getKey(), entry.getValue());
            }
        }
        // The old one stays under another name, as symbols refer into it.
        editor.renameSection(file.section(MODINFO).orElseThrow().index(), ".kmolt.modinfo");
        editor.addSection(
                MODINFO, Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, info.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void append(StringBuilder info, String key, String value) {
        info.append(key).append('=').append(value).append('\0');
    }

    /**
     * The {@code struct module}: its name, and stubs as its init and exit.
     *
     * @param name at most {@link #NAME_SIZE} - 1 characters
     * @param core tells where init and exit are, which differs between kernels
     * @param init symbol
     * @param exit symbol
     * @throws ElfException if the file's is too short to be one
     */
    public void replaceModule(String name, KernelModule core, int init, int exit) throws ElfException {
        ElfSection section = file.section(THIS_MODULE).orElseThrow();
        byte[] content = file.content(section);
        if (content.length < NAME_OFFSET + NAME_SIZE) {
            throw new ElfException(file.name(), THIS_MODULE, 0, "is too short for a struct module");
        }
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        Arrays.fill(content, NAME_OFFSET, NAME_OFFSET + NAME_SIZE, (byte) 0);
        System.arraycopy(bytes, 0, content, NAME_OFFSET, bytes.length);
        editor.setContent(section.index(), content);
        List<ElfRelocation> relocations = new ArrayList<>();
        ElfSection of = core.elf().section(THIS_MODULE).orElseThrow();
        for (ElfRelocation relocation : core.elf().relocations(of.index())) {
            String target = core.elf().symbols().get(relocation.symbol()).name();
            int stub = target.equals("init_module") ? init : exit;
            relocations.add(new ElfRelocation(relocation.offset(), Elf.R_X86_64_64, stub, 0));
        }
        editor.setRelocations(section.index(), relocations);
    }

    /** The CRCs of functions that the core exports; 0 for what it does not. */
    public static SequencedMap<String, Long> exports(KernelModule core, List<String> names) {
        Map<String, Long> crcs = Exports.crcs(core);
        SequencedMap<String, Long> versions = new LinkedHashMap<>();
        names.forEach(name -> versions.put(name, crcs.getOrDefault(name, 0L)));
        return versions;
    }

    /** Adds CRCs of imports that the file does not have yet. If it has none at all, as its kernel does without, none are. */
    public void addVersions(SequencedMap<String, Long> crcs) {
        ElfSection section = file.section("__versions").orElse(null);
        if (section == null) {
            return;
        }
        Set<String> known = file.symbolVersions().stream().map(ModVersion::name).collect(Collectors.toSet());
        SequencedMap<String, Long> added = new LinkedHashMap<>(crcs);
        added.keySet().removeAll(known);
        byte[] old = file.content(section);
        ByteBuffer versions = ByteBuffer.allocate(old.length + added.size() * VERSION_ENTRY_SIZE)
                .order(ByteOrder.LITTLE_ENDIAN);
        versions.put(old);
        added.forEach((name, crc) -> {
            int start = versions.position();
            versions.putLong(crc);
            versions.put(name.getBytes(StandardCharsets.US_ASCII));
            versions.position(start + VERSION_ENTRY_SIZE);
        });
        editor.setContent(section.index(), versions.array());
    }
}
