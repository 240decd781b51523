package io.kmolt.elf;

import static io.kmolt.elf.ElfLayout.U16;
import static io.kmolt.elf.ElfLayout.U32;
import static io.kmolt.elf.ElfLayout.U64;
import static io.kmolt.elf.ElfLayout.U8;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a relocatable object and checks everything that later code relies on, so that an {@link ElfObject} is
 * consistent by construction: every index refers to something, every range lies in the file, in its section, and
 * apart from the others.
 *
 * <p>Work and memory are proportional to the file's size, whatever its fields claim.
 */
final class ElfReader {
    /** Beyond 2 MiB (a large page) nothing in the kernel is aligned; without a limit an edit could grow a file at will. */
    private static final long MAX_ALIGN = 1L << 21;

    /** x86-64 leaves modules less than 2 GiB of address space in all. */
    private static final long MAX_SECTION = Integer.MAX_VALUE;

    private final String file;
    private final byte[] bytes;
    private final MemorySegment image;
    private List<ElfSection> sections = List.of();
    private @Nullable ElfSection symtab;
    private List<ElfSymbol> symbols = List.of();

    ElfReader(String file, byte[] bytes) {
        this.file = file;
        this.bytes = bytes;
        this.image = MemorySegment.ofArray(bytes);
    }

    ElfObject read() throws ElfException {
        HeaderCheck.check(file, image);
        readSections();
        checkPlacement();
        checkLinks();
        readSymbols();
        List<List<ElfRelocation>> relocations = readRelocations();
        ModuleInfo info = ModuleInfo.read(file, image, sections);
        return new ElfObject(file, bytes, sections, symtab, symbols, relocations, info);
    }

    private void readSections() throws ElfException {
        long table = image.get(U64, ElfLayout.E_SHOFF);
        int count = u16(image, ElfLayout.E_SHNUM);
        int names = u16(image, ElfLayout.E_SHSTRNDX);
        if (table == 0) {
            throw fail(null, ElfLayout.E_SHOFF, "there is no section header table");
        }
        if (count == 0 || count >= Elf.SHN_LORESERVE || names == Elf.SHN_XINDEX) {
            // gABI, "ELF Header", e_shnum and e_shstrndx: the true numbers are in section header 0.
            throw fail(
                    null, ElfLayout.E_SHNUM, "extended section numbering (65,280 sections or more) is not supported");
        }
        if (!fits(table, (long) count * ElfLayout.SHDR_SIZE)) {
            throw fail(
                    null,
                    ElfLayout.E_SHOFF,
                    "the table of " + count + " section headers at 0x" + Long.toHexString(table)
                            + " reaches beyond the end of the file");
        }
        List<ElfSection> raw = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            raw.add(readSection(i, table + (long) i * ElfLayout.SHDR_SIZE));
        }
        sections = raw;
        if (raw.getFirst().type() != Elf.SHT_NULL || raw.getFirst().size() != 0) {
            throw fail(raw.getFirst(), table, "section header 0 is in use");
        }
        if (names >= count || raw.get(names).type() != Elf.SHT_STRTAB) {
            throw fail(
                    null,
                    ElfLayout.E_SHSTRNDX,
                    "section " + names + ", said to hold the section names, is no string table");
        }
        StringTable strings = new StringTable(file, image, raw.get(names), ".shstrtab");
        List<ElfSection> named = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            long header = table + (long) i * ElfLayout.SHDR_SIZE;
            named.add(raw.get(i).withName(strings.get(image.get(U32, header + ElfLayout.SH_NAME), header)));
        }
        sections = List.copyOf(named);
    }

    private ElfSection readSection(int index, long at) throws ElfException {
        ElfSection section = new ElfSection(
                index,
                "#" + index,
                image.get(U32, at + ElfLayout.SH_TYPE),
                image.get(U64, at + ElfLayout.SH_FLAGS),
                image.get(U64, at + ElfLayout.SH_ADDR),
                image.get(U64, at + ElfLayout.SH_OFFSET),
                image.get(U64, at + ElfLayout.SH_SIZE),
                image.get(U32, at + ElfLayout.SH_LINK),
                image.get(U32, at + ElfLayout.SH_INFO),
                image.get(U64, at + ElfLayout.SH_ADDRALIGN),
                image.get(U64, at + ElfLayout.SH_ENTSIZE));
        if (section.size() < 0 || section.size() > MAX_SECTION) {
            throw fail(
                    section,
                    at + ElfLayout.SH_SIZE,
                    "size 0x" + Long.toHexString(section.size()) + " is more than a module can have");
        }
        if (section.hasContent() && !fits(section.offset(), section.size())) {
            throw fail(
                    section,
                    at + ElfLayout.SH_OFFSET,
                    "its 0x" + Long.toHexString(section.size()) + " bytes at 0x" + Long.toHexString(section.offset())
                            + " reach beyond the end of the file");
        }
        long align = section.addralign();
        if (align < 0 || align > MAX_ALIGN || Long.bitCount(align) > 1) {
            throw fail(
                    section,
                    at + ElfLayout.SH_ADDRALIGN,
                    "alignment 0x" + Long.toHexString(align) + " is not a power of two up to 0x"
                            + Long.toHexString(MAX_ALIGN));
        }
        return section;
    }

    /** No two of the sections, the ELF header and the section header table may share bytes. */
    private void checkPlacement() throws ElfException {
        long table = image.get(U64, ElfLayout.E_SHOFF);
        List<ElfSection> placed = new ArrayList<>();
        placed.add(area("ELF header", 0, ElfLayout.EHDR_SIZE));
        placed.add(area("section header table", table, (long) sections.size() * ElfLayout.SHDR_SIZE));
        sections.stream().filter(s -> s.hasContent() && s.size() > 0).forEach(placed::add);
        placed.sort(Comparator.comparingLong(ElfSection::offset));
        for (int i = 1; i < placed.size(); i++) {
            ElfSection before = placed.get(i - 1);
            ElfSection section = placed.get(i);
            if (section.offset() < before.offset() + before.size()) {
                throw fail(section, section.offset(), "overlaps " + before.name() + " in the file");
            }
        }
    }

    private static ElfSection area(String name, long offset, long size) {
        return new ElfSection(0, name, Elf.SHT_PROGBITS, 0, 0, offset, size, 0, 0, 0, 0);
    }

    /** Section types of which kmolt knows the structure must have that structure. */
    private void checkLinks() throws ElfException {
        for (ElfSection section : sections) {
            if (Integer.compareUnsigned(section.link(), sections.size()) >= 0) {
                throw fail(
                        section,
                        header(section) + ElfLayout.SH_LINK,
                        "sh_link names section " + Integer.toUnsignedString(section.link()) + " of " + sections.size());
            }
            switch (section.type()) {
                case Elf.SHT_SYMTAB -> {
                    if (symtab != null) {
                        throw fail(section, header(section), "a second symbol table, after " + symtab.name());
                    }
                    symtab = section;
                    checkTable(section, ElfLayout.SYM_SIZE);
                }
                case Elf.SHT_RELA -> checkTable(section, ElfLayout.RELA_SIZE);
                case Elf.SHT_SYMTAB_SHNDX ->
                    throw fail(section, header(section), "extended section numbering is not supported");
                case Elf.SHT_REL ->
                    throw fail(section, header(section), "relocations without addends; x86-64 uses SHT_RELA");
                default -> {}
            }
        }
    }

    private void checkTable(ElfSection section, int entry) throws ElfException {
        if (section.entsize() != entry) {
            throw fail(
                    section,
                    header(section) + ElfLayout.SH_ENTSIZE,
                    "entry size " + Long.toUnsignedString(section.entsize()) + " should be " + entry);
        }
        if (section.size() % entry != 0) {
            throw fail(
                    section,
                    header(section) + ElfLayout.SH_SIZE,
                    "size " + section.size() + " is no multiple of its entry size " + entry);
        }
    }

    private void readSymbols() throws ElfException {
        ElfSection table = symtab;
        if (table == null) {
            return;
        }
        ElfSection names = sections.get(table.link());
        if (names.type() != Elf.SHT_STRTAB) {
            throw fail(
                    table,
                    header(table) + ElfLayout.SH_LINK,
                    "sh_link names " + names.name() + ", which is no string table");
        }
        int count = (int) (table.size() / ElfLayout.SYM_SIZE);
        if (count == 0 || table.info() < 1 || table.info() > count) {
            throw fail(
                    table,
                    header(table) + ElfLayout.SH_INFO,
                    "sh_info says that " + Integer.toUnsignedString(table.info()) + " of " + count
                            + " symbols are local");
        }
        StringTable strings = new StringTable(file, image, names, names.name());
        List<ElfSymbol> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            long at = table.offset() + (long) i * ElfLayout.SYM_SIZE;
            int info = Byte.toUnsignedInt(image.get(U8, at + ElfLayout.ST_INFO));
            ElfSymbol symbol = new ElfSymbol(
                    i,
                    strings.get(image.get(U32, at + ElfLayout.ST_NAME), at),
                    info >> 4,
                    info & 0xf,
                    Byte.toUnsignedInt(image.get(U8, at + ElfLayout.ST_OTHER)),
                    u16(image, at + ElfLayout.ST_SHNDX),
                    image.get(U64, at + ElfLayout.ST_VALUE),
                    image.get(U64, at + ElfLayout.ST_SIZE));
            checkSymbol(table, symbol, at);
            list.add(symbol);
        }
        symbols = List.copyOf(list);
    }

    private void checkSymbol(ElfSection table, ElfSymbol symbol, long at) throws ElfException {
        String who = "symbol " + symbol.index() + " (" + symbol.name() + ")";
        if (symbol.index() == 0
                && !(symbol.isUndefined() && symbol.isLocal() && symbol.name().isEmpty())) {
            throw fail(table, at, "symbol 0 is in use");
        }
        if (symbol.isLocal() != (symbol.index() < table.info())) {
            throw fail(
                    table,
                    at,
                    who + " stands on the wrong side of sh_info (" + table.info() + "): local symbols come first");
        }
        if (symbol.isDefined()) {
            if (symbol.shndx() >= sections.size()) {
                throw fail(table, at, who + " lies in section " + symbol.shndx() + " of " + sections.size());
            }
            ElfSection home = sections.get(symbol.shndx());
            if (symbol.value() < 0
                    || symbol.value() > home.size()
                    || symbol.size() < 0
                    || symbol.size() > home.size() - symbol.value()) {
                throw fail(table, at, who + " reaches beyond the end of " + home.name());
            }
            return;
        }
        switch (symbol.shndx()) {
            case Elf.SHN_UNDEF, Elf.SHN_ABS, Elf.SHN_COMMON, Elf.SHN_X86_64_LCOMMON, Elf.SHN_LIVEPATCH -> {}
            case Elf.SHN_XINDEX ->
                throw fail(table, at, who + " uses extended section numbering, which is not supported");
            default ->
                throw fail(table, at, who + " has the unknown section index 0x" + Integer.toHexString(symbol.shndx()));
        }
    }

    /** The entries of every {@code SHT_RELA} section, by that section's own index; an empty list elsewhere. */
    private List<List<ElfRelocation>> readRelocations() throws ElfException {
        List<List<ElfRelocation>> all = new ArrayList<>(sections.size());
        for (ElfSection section : sections) {
            if (section.type() == Elf.SHT_GROUP && Integer.compareUnsigned(section.info(), symbols.size()) >= 0) {
                throw fail(
                        section,
                        header(section) + ElfLayout.SH_INFO,
                        "its signature is symbol " + Integer.toUnsignedString(section.info()) + " of "
                                + symbols.size());
            }
            all.add(section.isRela() ? readRela(section) : List.of());
        }
        return all;
    }

    private List<ElfRelocation> readRela(ElfSection rela) throws ElfException {
        if (symtab == null || rela.link() != symtab.index()) {
            throw fail(rela, header(rela) + ElfLayout.SH_LINK, "sh_link does not name the symbol table");
        }
        if (rela.info() <= 0 || rela.info() >= sections.size()) {
            throw fail(
                    rela,
                    header(rela) + ElfLayout.SH_INFO,
                    "applies to section " + Integer.toUnsignedString(rela.info()) + " of " + sections.size());
        }
        ElfSection target = sections.get(rela.info());
        switch (target.type()) {
            case Elf.SHT_NULL, Elf.SHT_NOBITS, Elf.SHT_SYMTAB, Elf.SHT_STRTAB, Elf.SHT_RELA, Elf.SHT_GROUP ->
                throw fail(
                        rela,
                        header(rela) + ElfLayout.SH_INFO,
                        "applies to " + target.name() + ", which cannot be relocated");
            default -> {}
        }
        // Offsets into a compressed section count its uncompressed bytes.
        long limit = (target.flags() & Elf.SHF_COMPRESSED) != 0 ? Long.MAX_VALUE : target.size();
        int count = (int) (rela.size() / ElfLayout.RELA_SIZE);
        ElfRelocation[] list = new ElfRelocation[count];
        for (int i = 0; i < count; i++) {
            long at = rela.offset() + (long) i * ElfLayout.RELA_SIZE;
            ElfRelocation relocation = new ElfRelocation(
                    image.get(U64, at + ElfLayout.R_OFFSET),
                    image.get(U32, at + ElfLayout.R_TYPE),
                    image.get(U32, at + ElfLayout.R_SYM),
                    image.get(U64, at + ElfLayout.R_ADDEND));
            if (Integer.compareUnsigned(relocation.symbol(), symbols.size()) >= 0) {
                throw fail(
                        rela,
                        at,
                        "relocation " + i + " refers to symbol " + Integer.toUnsignedString(relocation.symbol())
                                + " of " + symbols.size());
            }
            if (relocation.offset() < 0 || relocation.offset() > limit - relocation.width()) {
                throw fail(
                        rela,
                        at,
                        "relocation " + i + " at 0x" + Long.toHexString(relocation.offset())
                                + " writes beyond the end of " + target.name());
            }
            list[i] = relocation;
        }
        return List.of(list);
    }

    private boolean fits(long offset, long size) {
        return offset >= 0 && size >= 0 && offset <= bytes.length && size <= bytes.length - offset;
    }

    private long header(ElfSection section) {
        return image.get(U64, ElfLayout.E_SHOFF) + (long) section.index() * ElfLayout.SHDR_SIZE;
    }

    private ElfException fail(@Nullable ElfSection section, long at, String problem) {
        return new ElfException(file, section == null ? null : section.name(), at, problem);
    }

    private static int u16(MemorySegment segment, long at) {
        return Short.toUnsignedInt(segment.get(U16, at));
    }
}
