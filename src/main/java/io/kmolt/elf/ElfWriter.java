package io.kmolt.elf;

import static io.kmolt.elf.ElfLayout.U16;
import static io.kmolt.elf.ElfLayout.U32;
import static io.kmolt.elf.ElfLayout.U64;
import static io.kmolt.elf.ElfLayout.U8;

import io.kmolt.elf.ElfEditor.SectionDraft;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes an edited object. Headers, symbols and relocations are always written anew from the model, whether edited or
 * not; names keep their places in the string tables. So an unedited object comes out equal only because reading lost
 * nothing.
 */
final class ElfWriter {
    private static final long MAX_FILE = Integer.MAX_VALUE - 64L;

    private final ElfObject base;
    private final List<SectionDraft> sections;
    private final List<ElfSymbol> symbols;
    private final MemorySegment original;
    private final Map<Integer, GrowingStrings> tables = new HashMap<>();

    ElfWriter(ElfObject base, List<SectionDraft> sections, List<ElfSymbol> symbols) {
        this.base = base;
        this.sections = sections;
        this.symbols = symbols;
        this.original = base.image();
    }

    byte[] write() throws ElfException {
        if (sections.size() >= Elf.SHN_LORESERVE) {
            throw fail(null, sections.size() + " sections are more than can be numbered");
        }
        int[] order = symbolOrder();
        int[] names = sectionNames();
        byte[][] contents = contents(order);
        ElfSection[] headers = headers(contents, order);
        Plan plan = place(headers);
        return assemble(plan, headers, names, contents);
    }

    /** An object that has a symbol table, string tables and nothing in them. */
    static byte[] emptyObject() {
        byte[] names = "\0.symtab\0.strtab\0.shstrtab\0".getBytes(StandardCharsets.ISO_8859_1);
        int symtab = ElfLayout.EHDR_SIZE;
        int strtab = symtab + ElfLayout.SYM_SIZE;
        int shstrtab = strtab + 1;
        int table = (int) align(shstrtab + names.length, 8);
        MemorySegment out = MemorySegment.ofArray(new byte[table + 4 * ElfLayout.SHDR_SIZE]);
        out.set(U32, 0, ElfLayout.ELF_MAGIC);
        out.set(U8, ElfLayout.EI_CLASS, (byte) Elf.ELFCLASS64);
        out.set(U8, ElfLayout.EI_DATA, (byte) Elf.ELFDATA2LSB);
        out.set(U8, ElfLayout.EI_VERSION, (byte) Elf.EV_CURRENT);
        out.set(U16, ElfLayout.E_TYPE, (short) Elf.ET_REL);
        out.set(U16, ElfLayout.E_MACHINE, (short) Elf.EM_X86_64);
        out.set(U32, ElfLayout.E_VERSION, Elf.EV_CURRENT);
        out.set(U64, ElfLayout.E_SHOFF, table);
        out.set(U16, ElfLayout.E_EHSIZE, (short) ElfLayout.EHDR_SIZE);
        out.set(U16, ElfLayout.E_SHENTSIZE, (short) ElfLayout.SHDR_SIZE);
        out.set(U16, ElfLayout.E_SHNUM, (short) 4);
        out.set(U16, ElfLayout.E_SHSTRNDX, (short) 3);
        MemorySegment.copy(names, 0, out, U8, shstrtab, names.length);
        int header = table + ElfLayout.SHDR_SIZE;
        writeHeader(
                out,
                header,
                new ElfSection(1, "", Elf.SHT_SYMTAB, 0, 0, symtab, ElfLayout.SYM_SIZE, 2, 1, 8, ElfLayout.SYM_SIZE),
                1);
        header += ElfLayout.SHDR_SIZE;
        writeHeader(out, header, new ElfSection(2, "", Elf.SHT_STRTAB, 0, 0, strtab, 1, 0, 0, 1, 0), 9);
        header += ElfLayout.SHDR_SIZE;
        writeHeader(out, header, new ElfSection(3, "", Elf.SHT_STRTAB, 0, 0, shstrtab, names.length, 0, 0, 1, 0), 17);
        return out.toArray(U8);
    }

    /** By handle, the index that a symbol gets: local ones first, otherwise as they came. */
    private int[] symbolOrder() throws ElfException {
        int[] order = new int[symbols.size()];
        int next = 0;
        for (boolean local : new boolean[] {true, false}) {
            for (int i = 0; i < order.length; i++) {
                if (symbols.get(i).isLocal() == local) {
                    order[i] = next++;
                }
            }
        }
        int known = base.symbols().size();
        for (int i = 0; i < known; i++) {
            if (order[i] != i) {
                refuseUnknownReferences();
                break;
            }
        }
        return order;
    }

    /** Symbols are about to be renumbered: sections that name symbols in a way not known here would go wrong. */
    private void refuseUnknownReferences() throws ElfException {
        int symtab = base.symbolTable().map(ElfSection::index).orElse(-1);
        for (ElfSection section : base.sections()) {
            if (section.link() == symtab && !section.isRela() && section.type() != Elf.SHT_GROUP) {
                throw fail(
                        section,
                        "refers to symbols by number, in a way that kmolt does not know (type 0x"
                                + Integer.toHexString(section.type()) + "), and they need renumbering");
            }
        }
    }

    private int[] sectionNames() {
        GrowingStrings strings = table(Short.toUnsignedInt(original.get(U16, ElfLayout.E_SHSTRNDX)));
        long headers = original.get(U64, ElfLayout.E_SHOFF);
        int[] names = new int[sections.size()];
        for (int i = 0; i < names.length; i++) {
            String name = sections.get(i).header.name();
            boolean same =
                    i < base.sections().size() && base.sections().get(i).name().equals(name);
            names[i] = same
                    ? original.get(U32, headers + (long) i * ElfLayout.SHDR_SIZE + ElfLayout.SH_NAME)
                    : strings.add(name);
        }
        return names;
    }

    /** The new bytes of every section that is written anew; null where the original's stand, or where there are none. */
    private byte[][] contents(int[] order) throws ElfException {
        byte[][] contents = new byte[sections.size()][];
        for (int i = 0; i < contents.length; i++) {
            SectionDraft draft = sections.get(i);
            if (draft.entries != null) {
                contents[i] = relocations(draft.header, draft.entries, order);
            } else if (draft.header.type() == Elf.SHT_SYMTAB) {
                contents[i] = symbols(draft.header, order);
            } else if (draft.content != null) {
                contents[i] = draft.content;
            }
        }
        tables.forEach((index, strings) -> contents[index] = strings.bytes());
        return contents;
    }

    private GrowingStrings table(int index) {
        return tables.computeIfAbsent(
                index, i -> new GrowingStrings(base.content(base.sections().get(i))));
    }

    private byte[] symbols(ElfSection symtab, int[] order) {
        GrowingStrings strings = table(symtab.link());
        byte[] bytes = new byte[symbols.size() * ElfLayout.SYM_SIZE];
        MemorySegment out = MemorySegment.ofArray(bytes);
        for (int i = 0; i < order.length; i++) {
            ElfSymbol symbol = symbols.get(i);
            boolean same =
                    i < base.symbols().size() && base.symbols().get(i).name().equals(symbol.name());
            long at = (long) order[i] * ElfLayout.SYM_SIZE;
            out.set(U32, at + ElfLayout.ST_NAME, same ? originalName(i) : strings.add(symbol.name()));
            out.set(U8, at + ElfLayout.ST_INFO, (byte) (symbol.binding() << 4 | symbol.type()));
            out.set(U8, at + ElfLayout.ST_OTHER, (byte) symbol.other());
            out.set(U16, at + ElfLayout.ST_SHNDX, (short) symbol.shndx());
            out.set(U64, at + ElfLayout.ST_VALUE, symbol.value());
            out.set(U64, at + ElfLayout.ST_SIZE, symbol.size());
        }
        return bytes;
    }

    private int originalName(int symbol) {
        long table = base.symbolTable().orElseThrow().offset();
        return original.get(U32, table + (long) symbol * ElfLayout.SYM_SIZE + ElfLayout.ST_NAME);
    }

    private byte[] relocations(ElfSection rela, List<ElfRelocation> entries, int[] order) throws ElfException {
        byte[] bytes = new byte[entries.size() * ElfLayout.RELA_SIZE];
        MemorySegment out = MemorySegment.ofArray(bytes);
        long at = 0;
        for (ElfRelocation entry : entries) {
            if (entry.symbol() < 0 || entry.symbol() >= order.length) {
                throw fail(rela, entry + " refers to a symbol that does not exist");
            }
            out.set(U64, at + ElfLayout.R_OFFSET, entry.offset());
            out.set(U32, at + ElfLayout.R_TYPE, entry.type());
            out.set(U32, at + ElfLayout.R_SYM, order[entry.symbol()]);
            out.set(U64, at + ElfLayout.R_ADDEND, entry.addend());
            at += ElfLayout.RELA_SIZE;
        }
        return bytes;
    }

    /** The headers as they will be, except for places. */
    private ElfSection[] headers(byte[][] contents, int[] order) {
        ElfSection[] headers = new ElfSection[sections.size()];
        for (int i = 0; i < headers.length; i++) {
            ElfSection header = sections.get(i).header;
            if (contents[i] != null) {
                header = header.withSize(contents[i].length);
            }
            if (header.type() == Elf.SHT_SYMTAB) {
                header = header.withInfo(
                        (int) symbols.stream().filter(ElfSymbol::isLocal).count());
            } else if (header.type() == Elf.SHT_GROUP) {
                header = header.withInfo(order[header.info()]);
            }
            headers[i] = header;
        }
        return headers;
    }

    /**
     * Where things go.
     *
     * @param kept end of what keeps its place
     * @param table place of the section header table
     * @param end size of the file
     */
    private record Plan(long kept, long table, long end) {}

    /** Everything stays in its place if it fits there; the rest follows behind. */
    private Plan place(ElfSection[] headers) throws ElfException {
        long tableSize = (long) headers.length * ElfLayout.SHDR_SIZE;
        long table = original.get(U64, ElfLayout.E_SHOFF);
        boolean tableStays = headers.length == base.sections().size();
        long kept = tableStays ? Math.max(ElfLayout.EHDR_SIZE, table + tableSize) : ElfLayout.EHDR_SIZE;
        for (ElfSection header : headers) {
            if (header.hasContent() && stays(header)) {
                // A section that shrinks in its place leaves its old end there, as zeros.
                ElfSection before = base.sections().get(header.index());
                kept = Math.max(kept, before.offset() + before.size());
            }
        }
        long end = kept;
        for (int i = 0; i < headers.length; i++) {
            ElfSection header = headers[i];
            if (!stays(header)) {
                end = align(end, header.addralign());
                headers[i] = header.withOffset(end);
                end += header.hasContent() ? header.size() : 0;
                if (end > MAX_FILE) {
                    throw fail(header, "the file would grow beyond 2 GiB");
                }
            }
        }
        if (!tableStays) {
            table = align(end, 8);
            end = table + tableSize;
        }
        return new Plan(kept, table, end);
    }

    /** Whether a section keeps its place in the file. */
    private boolean stays(ElfSection header) {
        if (header.index() >= base.sections().size()) {
            return false;
        }
        ElfSection before = base.sections().get(header.index());
        return !header.hasContent() || (before.hasContent() && header.size() <= before.size());
    }

    private byte[] assemble(Plan plan, ElfSection[] headers, int[] names, byte[][] contents) {
        byte[] before = base.bytes();
        byte[] bytes = new byte[(int) plan.end()];
        System.arraycopy(before, 0, bytes, 0, (int) plan.kept());
        MemorySegment out = MemorySegment.ofArray(bytes);
        vacate(out, plan, headers);
        for (int i = 0; i < headers.length; i++) {
            byte[] content = contents[i];
            if (content != null && headers[i].hasContent()) {
                MemorySegment.copy(content, 0, out, U8, headers[i].offset(), content.length);
            }
        }
        out.set(U64, ElfLayout.E_SHOFF, plan.table());
        out.set(U16, ElfLayout.E_SHNUM, (short) headers.length);
        for (int i = 0; i < headers.length; i++) {
            writeHeader(out, plan.table() + (long) i * ElfLayout.SHDR_SIZE, headers[i], names[i]);
        }
        boolean same = Arrays.equals(bytes, 0, bytes.length, before, 0, Math.min(bytes.length, before.length));
        return same ? before : bytes;
    }

    /** Clears what is left over in places that are no longer used. */
    private void vacate(MemorySegment out, Plan plan, ElfSection[] headers) {
        for (ElfSection before : base.sections()) {
            ElfSection header = headers[before.index()];
            if (before.hasContent()) {
                long used = header.hasContent() && stays(header) ? header.size() : 0;
                clear(out, plan, before.offset() + used, before.offset() + before.size());
            }
        }
        long table = original.get(U64, ElfLayout.E_SHOFF);
        if (plan.table() != table) {
            clear(out, plan, table, table + (long) base.sections().size() * ElfLayout.SHDR_SIZE);
        }
    }

    private static void clear(MemorySegment out, Plan plan, long from, long to) {
        long limit = Math.min(to, plan.kept());
        if (from < limit) {
            out.asSlice(from, limit - from).fill((byte) 0);
        }
    }

    private static void writeHeader(MemorySegment out, long at, ElfSection header, int name) {
        out.set(U32, at + ElfLayout.SH_NAME, name);
        out.set(U32, at + ElfLayout.SH_TYPE, header.type());
        out.set(U64, at + ElfLayout.SH_FLAGS, header.flags());
        out.set(U64, at + ElfLayout.SH_ADDR, header.addr());
        out.set(U64, at + ElfLayout.SH_OFFSET, header.offset());
        out.set(U64, at + ElfLayout.SH_SIZE, header.size());
        out.set(U32, at + ElfLayout.SH_LINK, header.link());
        out.set(U32, at + ElfLayout.SH_INFO, header.info());
        out.set(U64, at + ElfLayout.SH_ADDRALIGN, header.addralign());
        out.set(U64, at + ElfLayout.SH_ENTSIZE, header.entsize());
    }

    private static long align(long offset, long alignment) {
        return alignment <= 1 ? offset : (offset + alignment - 1) & -alignment;
    }

    private ElfException fail(@Nullable ElfSection section, String problem) {
        return new ElfException(
                base.name(), section == null ? null : section.name(), section == null ? 0 : section.offset(), problem);
    }
}
