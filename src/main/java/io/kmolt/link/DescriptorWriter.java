package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a {@code .kmolt} section word by word: one of the structures of {@code kernel/kmolt_abi.h} and its arrays. All
 * numbers are little endian.
 */
public final class DescriptorWriter {
    private final ElfEditor editor;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<ElfRelocation> relocations = new ArrayList<>();
    private final int section;
    private final int symbol;

    /**
     * Reserves the section, so that other code can refer to it.
     *
     * @param name of the symbol that the structure gets
     * @param size of the structure at the section's beginning, in bytes
     */
    public DescriptorWriter(ElfEditor editor, String name, int size) {
        this.editor = editor;
        this.section = editor.addSection(".kmolt", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 8, new byte[size]);
        this.symbol = editor.addSymbol(name, Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, size);
    }

    /** The structure's symbol. */
    public int symbol() {
        return symbol;
    }

    /** Offset of what is written next, from the structure's beginning. */
    public int position() {
        return out.size();
    }

    public DescriptorWriter u32(int value) {
        out.writeBytes(number(Integer.BYTES).putInt(value).array());
        return this;
    }

    public DescriptorWriter u64(long value) {
        out.writeBytes(number(Long.BYTES).putLong(value).array());
        return this;
    }

    private static ByteBuffer number(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    public DescriptorWriter bytes(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    /** A text, cut to fit, with a NUL at its end and up to {@code size} bytes. */
    public DescriptorWriter text(String text, int size) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, size - 1);
        out.write(bytes, 0, length);
        return bytes(new byte[size - length]);
    }

    /** A 64-bit address, which the loader fills in. */
    public DescriptorWriter address(int of, long addend) {
        return relocated(new ElfRelocation(position(), Elf.R_X86_64_64, of, addend));
    }

    /** A 64-bit word that a relocation fills in, whose offset must be {@link #position}. */
    public DescriptorWriter relocated(ElfRelocation relocation) {
        if (relocation.offset() != position()) {
            throw new IllegalArgumentException(relocation + " at " + position());
        }
        relocations.add(relocation);
        return u64(0);
    }

    /**
     * Address and length of an array.
     *
     * @param at its offset from the structure's beginning
     */
    public DescriptorWriter array(int at, int count) {
        return address(symbol, at).u64(count);
    }

    /** Fills the section with what was written. */
    public void finish() {
        editor.setContent(section, out.toByteArray());
        editor.setRelocations(section, relocations);
    }
}
