package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The unwind data of a module under edit: {@code .orc_unwind_ip}, one 32-bit distance to a place in code an entry, and
 * {@code .orc_unwind}, what holds from there on. The loader sorts both ({@code unwind_module_init()} in {@code
 * arch/x86/kernel/unwind_orc.c}), so entries are added at the end.
 *
 * <p>How an entry is encoded differs between kernels ({@code struct orc_entry} in {@code asm/orc_types.h}; 6.4 moved the
 * type). The bits for "a function that was just called" are therefore taken from the file itself, where the compiler's
 * functions begin; only the stack's depth is put in. An entry of zeros has said "undefined" in all of them.
 */
public final class OrcTable {
    private static final int ENTRY_SIZE = 6;
    private static final int IP_SIZE = 4;

    /** Where only the return address is on the stack. */
    public static final int CALLED = 8;

    /** Linux 6.1: {@code sp_reg = ORC_REG_SP, type = UNWIND_HINT_TYPE_CALL}. For files without any entry. */
    private static final byte[] DEFAULT = {CALLED, 0, 0, 0, 5, 0};

    private final ElfEditor editor;
    private final byte[] pattern;
    private final int section;
    private final int ipSection;
    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private final ByteArrayOutputStream ips = new ByteArrayOutputStream();
    private final List<ElfRelocation> relocations = new ArrayList<>();

    /** The table of a file under edit, as edited so far. */
    public OrcTable(ElfObject file, ElfEditor editor) {
        this.editor = editor;
        Optional<ElfSection> old = file.section(".orc_unwind");
        Optional<ElfSection> oldIp = file.section(".orc_unwind_ip");
        if (old.isPresent() && oldIp.isPresent()) {
            section = old.get().index();
            ipSection = oldIp.get().index();
            entries.writeBytes(file.content(old.get()));
            ips.writeBytes(file.content(oldIp.get()));
            relocations.addAll(editor.relocations(ipSection));
            pattern = pattern(file);
        } else {
            section = editor.addSection(".orc_unwind", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, new byte[0]);
            ipSection = editor.addSection(".orc_unwind_ip", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, new byte[0]);
            pattern = DEFAULT;
        }
    }

    private byte[] pattern(ElfObject file) {
        for (ElfRelocation relocation : relocations) {
            ElfSymbol symbol = editor.symbol(relocation.symbol());
            long place = symbol.value() + relocation.addend();
            boolean begins = file.symbols().stream()
                    .anyMatch(s -> s.isFunction() && s.shndx() == symbol.shndx() && s.value() == place);
            int at = (int) (relocation.offset() / IP_SIZE) * ENTRY_SIZE;
            if (begins && at + ENTRY_SIZE <= entries.size()) {
                byte[] entry = Arrays.copyOfRange(entries.toByteArray(), at, at + ENTRY_SIZE);
                if (ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN).getShort() == CALLED) {
                    return entry;
                }
            }
        }
        return DEFAULT;
    }

    /**
     * Adds an entry.
     *
     * @param symbol of what the place is counted from
     * @param offset of the place, in bytes
     * @param depth how far the return address's end is above the stack pointer from there on, in bytes; empty where
     *     nothing is known, as behind the last instruction
     */
    public void add(int symbol, long offset, OptionalInt depth) {
        relocations.add(new ElfRelocation(ips.size(), Elf.R_X86_64_PC32, symbol, offset));
        ips.writeBytes(new byte[IP_SIZE]);
        byte[] entry = new byte[ENTRY_SIZE];
        if (depth.isPresent()) {
            System.arraycopy(pattern, 0, entry, 0, ENTRY_SIZE);
            ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN).putShort((short) depth.getAsInt());
        }
        entries.writeBytes(entry);
    }

    /** Writes both sections. */
    public void finish() {
        editor.setContent(section, entries.toByteArray());
        editor.setContent(ipSection, ips.toByteArray());
        editor.setRelocations(ipSection, relocations);
    }
}
