package io.kmolt.elf;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Edits an object. Edits are recorded; {@link #build} writes them all.
 *
 * <p>What no edit concerns stays where it is in the file, byte for byte; without any edit the result equals the input.
 * What outgrows its place, and what is new, is appended. When anything was changed, bytes behind the last section and
 * the section header table are dropped: a module signature there would no longer hold.
 *
 * <p>Section indexes stay what they are: sections are never removed or reordered. Symbol indexes that
 * {@link #addSymbol} gives out, and those of the original, are handles: {@link #build} puts local symbols first, as the
 * gABI demands ("Symbol Table"), renumbers, and adapts every relocation.
 *
 * <p>Wrong arguments (an index that does not exist, a NUL in a name) are programming errors and throw unchecked
 * exceptions; what only the whole can tell is checked by {@link #build}.
 */
public final class ElfEditor {
    private final ElfObject base;
    private final List<SectionDraft> sections = new ArrayList<>();
    private final List<ElfSymbol> symbols;

    /** A section under edit. */
    static final class SectionDraft {
        ElfSection header;
        /** Replaced contents, or null where the original's stand. */
        byte @Nullable [] content;
        /** Entries of a relocation table; null for any other section. */
        @Nullable
        List<ElfRelocation> entries;

        SectionDraft(ElfSection header, byte @Nullable [] content, @Nullable List<ElfRelocation> entries) {
            this.header = header;
            this.content = content;
            this.entries = entries;
        }
    }

    public ElfEditor(ElfObject base) {
        this.base = base;
        for (ElfSection section : base.sections()) {
            sections.add(new SectionDraft(section, null, section.isRela() ? base.entries(section.index()) : null));
        }
        this.symbols = new ArrayList<>(base.symbols());
    }

    /** The section as edited so far; its offset and size are those of the original until {@link #build}. */
    public ElfSection section(int index) {
        return sections.get(index).header;
    }

    /** The symbol of that handle as edited so far. */
    public ElfSymbol symbol(int index) {
        return symbols.get(index);
    }

    /** Gives a section another name. Its relocation table keeps its own: nothing goes by that. */
    public void renameSection(int index, String newName) {
        SectionDraft draft = editable(index);
        draft.header = draft.header.withName(checkName(newName));
    }

    /** @param flags {@code SHF_*}, ORed */
    public void setFlags(int index, long flags) {
        SectionDraft draft = editable(index);
        draft.header = draft.header.withFlags(flags);
    }

    /**
     * Changes a section's type. A section that stops being {@code SHT_NOBITS} is filled with zeros, one that becomes
     * {@code SHT_NOBITS} loses its contents and keeps its size.
     */
    public void setType(int index, int type) {
        SectionDraft draft = editable(index);
        checkPlain(draft.header.type(), draft.header.name());
        checkPlain(type, draft.header.name());
        if (draft.header.hasContent() && type == Elf.SHT_NOBITS) {
            draft.content = null;
        } else if (draft.header.isNobits() && type != Elf.SHT_NOBITS) {
            draft.content = new byte[Math.toIntExact(draft.header.size())];
        }
        draft.header = draft.header.withType(type);
    }

    /** Sets the size of one entry of a section that is a table, or of a mergeable one. */
    public void setEntsize(int index, long entsize) {
        SectionDraft draft = editable(index);
        checkPlain(draft.header.type(), draft.header.name());
        draft.header = draft.header.withEntsize(entsize);
    }

    /** Replaces a section's contents, by more or fewer bytes if need be. */
    public void setContent(int index, byte[] data) {
        SectionDraft draft = editable(index);
        checkPlain(draft.header.type(), draft.header.name());
        if (draft.header.isNobits()) {
            throw new IllegalArgumentException("section " + draft.header.name() + " is SHT_NOBITS: set its type first");
        }
        draft.content = data.clone();
        draft.header = draft.header.withSize(data.length);
    }

    /**
     * Adds a section.
     *
     * @param align 0, 1 or a power of two
     * @param data its contents; for {@code SHT_NOBITS} only their length counts
     * @return its index
     */
    public int addSection(String name, int type, long flags, long align, byte[] data) {
        checkPlain(type, name);
        int index = sections.size();
        ElfSection header = new ElfSection(index, checkName(name), type, flags, 0, 0, data.length, 0, 0, align, 0);
        sections.add(new SectionDraft(header, header.isNobits() ? null : data.clone(), null));
        return index;
    }

    /**
     * Adds a symbol.
     *
     * @param shndx the section that it lies in, {@code SHN_UNDEF} or {@code SHN_ABS}
     * @return a handle for use in relocations and in {@link #setSymbol}
     */
    public int addSymbol(String name, int binding, int type, int shndx, long value, long size) {
        int handle = symbols.size();
        if (handle == 0) {
            throw new IllegalArgumentException(base.name() + " has no symbol table");
        }
        symbols.add(checkSymbol(new ElfSymbol(handle, name, binding, type, 0, shndx, value, size)));
        return handle;
    }

    /** Replaces a symbol; the index within {@code contents} does not count. */
    public void setSymbol(int index, ElfSymbol contents) {
        if (index == 0) {
            throw new IllegalArgumentException("symbol 0 is no symbol");
        }
        symbols.set(index, checkSymbol(contents.withIndex(index)));
    }

    /**
     * Replaces all relocations of a section. If several tables apply to it (a livepatch module), the first takes these
     * and the others become empty. If there is none, one is added.
     */
    public void setRelocations(int sectionIndex, List<ElfRelocation> relocations) {
        ElfSection target = editable(sectionIndex).header;
        List<ElfRelocation> rest = List.copyOf(relocations);
        boolean placed = false;
        for (SectionDraft draft : sections) {
            if (draft.entries != null && draft.header.info() == sectionIndex) {
                draft.entries = placed ? List.of() : rest;
                placed = true;
            }
        }
        if (!placed && !rest.isEmpty()) {
            ElfSection symtab = base.symbolTable()
                    .orElseThrow(() -> new IllegalArgumentException(base.name() + " has no symbol table"));
            ElfSection header = new ElfSection(
                    sections.size(),
                    ".rela" + target.name(),
                    Elf.SHT_RELA,
                    Elf.SHF_INFO_LINK,
                    0,
                    0,
                    0,
                    symtab.index(),
                    sectionIndex,
                    8,
                    ElfLayout.RELA_SIZE);
            sections.add(new SectionDraft(header, null, rest));
        }
    }

    /** All relocations of a section as edited so far. */
    public List<ElfRelocation> relocations(int sectionIndex) {
        List<ElfRelocation> found = new ArrayList<>();
        for (SectionDraft draft : sections) {
            if (draft.entries != null && draft.header.info() == sectionIndex) {
                found.addAll(draft.entries);
            }
        }
        return found;
    }

    /**
     * Writes the edited object and reads it back as a check.
     *
     * @throws ElfException if the edits do not add up: a symbol or a relocation beyond the end of its section, a
     *     relocation to a symbol that does not exist, too many sections
     */
    public byte[] build() throws ElfException {
        byte[] built = new ElfWriter(base, sections, symbols).write();
        if (!Arrays.equals(built, base.bytes())) {
            ElfObject.parse(base.name(), built);
        }
        return built;
    }

    private SectionDraft editable(int index) {
        if (index == 0) {
            throw new IllegalArgumentException("section 0 is no section");
        }
        return sections.get(index);
    }

    private static void checkPlain(int type, String name) {
        switch (type) {
            case Elf.SHT_NULL,
                    Elf.SHT_SYMTAB,
                    Elf.SHT_STRTAB,
                    Elf.SHT_RELA,
                    Elf.SHT_REL,
                    Elf.SHT_GROUP,
                    Elf.SHT_SYMTAB_SHNDX ->
                throw new IllegalArgumentException(
                        "section " + name + ": the editor itself keeps sections of type " + type);
            default -> {}
        }
    }

    private static ElfSymbol checkSymbol(ElfSymbol symbol) {
        checkName(symbol.name());
        if (symbol.binding() >>> 4 != 0
                || symbol.type() >>> 4 != 0
                || symbol.other() >>> 8 != 0
                || symbol.shndx() >>> 16 != 0) {
            throw new IllegalArgumentException("a field of " + symbol + " is out of range");
        }
        return symbol;
    }

    private static String checkName(String name) {
        if (name.chars().anyMatch(c -> c == 0 || c > 0xff)) {
            throw new IllegalArgumentException("not a name for an ELF file: " + name);
        }
        return name;
    }
}
