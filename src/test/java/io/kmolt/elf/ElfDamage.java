package io.kmolt.elf;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Damages ELF files: where it may matter, with values that may matter. */
public final class ElfDamage {
    static final long[] EXTREMES = {
        0,
        1,
        2,
        3,
        7,
        8,
        16,
        23,
        24,
        25,
        63,
        64,
        65,
        0x7f,
        0x80,
        0xff,
        0xfeff,
        0xff00,
        0xfff1,
        0xfff2,
        0xffff,
        0x10000,
        0x7fff_ffff,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        1L << 40,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -8,
        -64
    };

    private ElfDamage() {}

    /** A damaged copy of an ELF file whose headers are sound. */
    public static byte[] damage(byte[] original, RandomGenerator random) {
        byte[] bytes = original.clone();
        ByteBuffer view = SyntheticObject.le(bytes);
        int table = (int) view.getLong(40);
        int sections = Short.toUnsignedInt(view.getShort(60));
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            switch (random.nextInt(6)) {
                case 0 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[random.nextInt(64)] = (byte) random.nextInt();
                case 2 -> put(view, random.nextInt(56), 2 << random.nextInt(3), extreme(random));
                case 3 -> // a member of a section header
                    put(view, table + random.nextInt(sections * 16 - 1) * 4, 4 << random.nextInt(2), extreme(random));
                case 4 -> { // something within a section: a symbol, a relocation, a note
                    int header = table + 64 * random.nextInt(sections);
                    long offset = view.getLong(header + 24);
                    long size = view.getLong(header + 32);
                    if (size >= 8 && offset >= 0 && offset < bytes.length - size) {
                        put(view, (int) (offset + random.nextLong(size - 7)), 1 << random.nextInt(4), extreme(random));
                    }
                }
                default -> { // a section header's member moves to another one
                    int from = table + 4 * random.nextInt(sections * 16 - 1);
                    int to = table + 4 * random.nextInt(sections * 16 - 1);
                    view.putInt(to, view.getInt(from));
                }
            }
        }
        return random.nextInt(12) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static long extreme(RandomGenerator random) {
        return random.nextInt(4) == 0
                ? random.nextInt(1 << random.nextInt(1, 24))
                : EXTREMES[random.nextInt(EXTREMES.length)];
    }

    static void put(ByteBuffer view, int at, int width, long value) {
        switch (width) {
            case 1 -> view.put(at, (byte) value);
            case 2 -> view.putShort(at, (short) value);
            case 4 -> view.putInt(at, (int) value);
            default -> view.putLong(Math.min(at, view.limit() - 8), value);
        }
    }
}
