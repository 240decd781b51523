package io.kmolt.elf;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An ELF64 little-endian relocatable object for x86-64, as read from a file; immutable.
 *
 * <p>Whatever it hands out is consistent: reading checked that every index refers to something, that every range lies in
 * the file, and that symbols and relocations lie in their sections. Structure: gABI chapter 4.
 *
 * <p>Not supported, and refused: extended section numbering, several symbol tables, {@code SHT_REL}.
 */
public final class ElfObject {
    /** No kernel module is near this size, debugging information included. */
    private static final long MAX_FILE = 1L << 30;

    private final String name;
    private final byte[] bytes;
    private final List<ElfSection> sections;
    private final @Nullable ElfSection symtab;
    private final List<ElfSymbol> symbols;
    /** By section index: what is in a {@code SHT_RELA} section. */
    private final List<List<ElfRelocation>> entries;
    /** By section index: what applies to a section. */
    private final List<List<ElfRelocation>> relocations;

    private final ModuleInfo info;
    private final Map<String, ElfSection> byName = new HashMap<>();

    ElfObject(
            String name,
            byte[] bytes,
            List<ElfSection> sections,
            @Nullable ElfSection symtab,
            List<ElfSymbol> symbols,
            List<List<ElfRelocation>> entries,
            ModuleInfo info) {
        this.name = name;
        this.bytes = bytes;
        this.sections = sections;
        this.symtab = symtab;
        this.symbols = symbols;
        this.entries = entries;
        this.info = info;
        sections.forEach(s -> byName.putIfAbsent(s.name(), s));
        this.relocations = byTarget(sections, entries);
    }

    private static List<List<ElfRelocation>> byTarget(List<ElfSection> sections, List<List<ElfRelocation>> entries) {
        List<List<ElfRelocation>> result = new ArrayList<>(Collections.nCopies(sections.size(), List.of()));
        for (ElfSection rela : sections) {
            if (rela.isRela()) {
                List<ElfRelocation> own = entries.get(rela.index());
                List<ElfRelocation> before = result.get(rela.info());
                if (before.isEmpty()) {
                    result.set(rela.info(), own);
                } else { // a livepatch module's second table
                    List<ElfRelocation> both = new ArrayList<>(before);
                    both.addAll(own);
                    result.set(rela.info(), Collections.unmodifiableList(both));
                }
            }
        }
        return result;
    }

    /**
     * Reads a file.
     *
     * @throws ElfException if it is not an object that kmolt can work with
     * @throws IOException if it cannot be read
     */
    public static ElfObject read(Path path) throws ElfException, IOException {
        String name = path.toString();
        if (!Files.isRegularFile(path) && Files.exists(path)) {
            throw new ElfException(name, null, 0, "not a regular file");
        }
        long size = Files.size(path);
        try (InputStream in = Files.newInputStream(path)) {
            // The header is looked at before memory for the rest is taken.
            HeaderCheck.check(name, MemorySegment.ofArray(in.readNBytes(ElfLayout.EHDR_SIZE)));
        }
        if (size > MAX_FILE) {
            throw new ElfException(
                    name, null, MAX_FILE, "the file is larger than any kernel module (" + size + " bytes)");
        }
        return new ElfReader(name, Files.readAllBytes(path)).read();
    }

    /**
     * Reads an object out of memory.
     *
     * @param name what messages call it
     * @throws ElfException if it is not an object that kmolt can work with
     */
    public static ElfObject parse(String name, byte[] bytes) throws ElfException {
        return new ElfReader(name, bytes.clone()).read();
    }

    /** An object with an empty symbol table and nothing else: what an {@link ElfEditor} fills when it starts from nothing. */
    public static ElfObject empty(String name) {
        try {
            return new ElfReader(name, ElfWriter.emptyObject()).read();
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }

    /** The file's name as the user knows it, or what {@link #parse} was told. */
    public String name() {
        return name;
    }

    /** A copy of the whole file. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** The whole file, read-only and without copying. */
    public MemorySegment image() {
        return MemorySegment.ofArray(bytes).asReadOnly();
    }

    /** All sections by index, the unused section 0 included. */
    public List<ElfSection> sections() {
        return sections;
    }

    /** The first section of that name. */
    public Optional<ElfSection> section(String sectionName) {
        return Optional.ofNullable(byName.get(sectionName));
    }

    /** All symbols by index, the undefined symbol 0 included; empty if there is no symbol table. */
    public List<ElfSymbol> symbols() {
        return symbols;
    }

    /** The symbol table's section. */
    public Optional<ElfSection> symbolTable() {
        return Optional.ofNullable(symtab);
    }

    /**
     * The relocations that apply to a section, in the order of the file; if several tables apply to it, one after the
     * other.
     */
    public List<ElfRelocation> relocations(int sectionIndex) {
        return relocations.get(sectionIndex);
    }

    /** The entries of one {@code SHT_RELA} section; empty for any other section. */
    List<ElfRelocation> entries(int relaIndex) {
        return entries.get(relaIndex);
    }

    /** A copy of a section's bytes in the file; empty for one that has none, as {@code .bss}. */
    public byte[] content(ElfSection section) {
        return view(section).toArray(ElfLayout.U8);
    }

    /** A section's bytes in the file, read-only and without copying; empty for one that has none. */
    public MemorySegment view(ElfSection section) {
        if (!sections.get(section.index()).equals(section)) {
            throw new IllegalArgumentException("section " + section.name() + " is not one of " + name);
        }
        return section.hasContent()
                ? image().asSlice(section.offset(), section.size())
                : MemorySegment.ofArray(new byte[0]);
    }

    /** The build-id, from {@code .note.gnu.build-id}. */
    public Optional<byte[]> buildId() {
        return Optional.ofNullable(info.buildId()).map(id -> id.toArray(ElfLayout.U8));
    }

    /** What {@code .modinfo} says, in its order; keys as {@code alias} repeat. */
    public List<Map.Entry<String, String>> modinfo() {
        return info.modinfo();
    }

    /** The first value of that key in {@code .modinfo}. */
    public Optional<String> modinfo(String key) {
        return info.modinfo().stream()
                .filter(e -> e.getKey().equals(key))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** The imported symbols with the checksums of their types, from {@code __versions}. */
    public List<ModVersion> symbolVersions() {
        return info.versions();
    }

    @Override
    public String toString() {
        return name;
    }
}
