package io.kmolt.btf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Finds one section in a linked ELF64 file, such as vmlinux; {@code io.kmolt.elf} reads relocatable objects only. Layout
 * of the two headers: System V gABI, chapter 4.
 */
final class ElfImage {
    private static final int EHDR_SIZE = 64;
    private static final int E_SHOFF = 40;
    private static final int E_SHENTSIZE = 58;
    private static final int E_SHNUM = 60;
    private static final int E_SHSTRNDX = 62;

    private static final int SHDR_SIZE = 64;
    private static final int SH_TYPE = 4;
    private static final int SH_OFFSET = 24;
    private static final int SH_SIZE = 32;
    private static final int SHT_NOBITS = 8;

    private static final byte[] ELF64_LITTLE_ENDIAN = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    private static final VarHandle U16 = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U64 = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final byte[] file;

    private ElfImage(String name, byte[] file) {
        this.name = name;
        this.file = file;
    }

    /** A copy of the first section of that name. */
    static Optional<byte[]> section(String name, byte[] file, String section) throws BtfException {
        return new ElfImage(name, file).find(section);
    }

    private Optional<byte[]> find(String section) throws BtfException {
        int magic = ELF64_LITTLE_ENDIAN.length;
        if (file.length < EHDR_SIZE || !Arrays.equals(file, 0, magic, ELF64_LITTLE_ENDIAN, 0, magic)) {
            throw new BtfException(name, "its kernel is not a little-endian ELF64 file");
        }
        long table = (long) U64.get(file, E_SHOFF);
        int count = (short) U16.get(file, E_SHNUM) & 0xffff;
        int names = (short) U16.get(file, E_SHSTRNDX) & 0xffff;
        if (count == 0) {
            return Optional.empty();
        }
        boolean known = (short) U16.get(file, E_SHENTSIZE) == SHDR_SIZE;
        if (!known || names >= count || !lies(table, (long) count * SHDR_SIZE)) {
            throw new BtfException(name, "the section headers of its kernel do not lie in it");
        }
        byte[] wanted = (section + "\0").getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < count; i++) {
            int header = (int) table + i * SHDR_SIZE;
            long nameAt = offset((int) table + names * SHDR_SIZE) + Integer.toUnsignedLong((int) U32.get(file, header));
            if (lies(nameAt, wanted.length)
                    && Arrays.equals(file, (int) nameAt, (int) nameAt + wanted.length, wanted, 0, wanted.length)
                    && (int) U32.get(file, header + SH_TYPE) != SHT_NOBITS) {
                long size = (long) U64.get(file, header + SH_SIZE);
                if (!lies(offset(header), size)) {
                    throw new BtfException(name, "section " + section + " does not lie in its kernel");
                }
                return Optional.of(Arrays.copyOfRange(file, (int) offset(header), (int) (offset(header) + size)));
            }
        }
        return Optional.empty();
    }

    private long offset(int header) {
        return (long) U64.get(file, header + SH_OFFSET);
    }

    private boolean lies(long from, long size) {
        return from >= 0 && size >= 0 && from <= file.length && size <= file.length - from;
    }
}
