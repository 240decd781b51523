package io.kmolt.btf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The records of one BTF as they lie in its bytes, and where each begins.
 *
 * <p>Reading goes over everything once: the header, the length of every record, every reference, every name (then
 * {@link BtfGraph} looks for loops). Whatever is wrong is found here, as a {@link BtfException}; decoding afterwards
 * cannot fail, and needs to happen only for the types that somebody asks for.
 *
 * <p>Bound: linear in the bytes, times {@link #MAX_NAME} at worst for hostile names. Format:
 * {@code Documentation/bpf/btf.rst}, sections 2 and 2.1; ids and string offsets of split BTF go on where those of its
 * base end ({@code btf_new_empty} in {@code tools/lib/bpf/btf.c}).
 */
final class BtfTable {
    /** The longest name that is taken; the kernel's own limit is {@code KSYM_NAME_LEN}, 512. */
    static final int MAX_NAME = 1024;

    private static final int MAGIC = 0xeb9f;
    private static final int MAGIC_OTHER_END = 0x9feb;
    private static final int VERSION = 1;
    private static final int HEADER = 24;
    private static final int RECORD = 12;
    private static final int MAX_INT_BITS = 128;
    private static final int MAX_LINKAGE = 2;

    private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U16 = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final byte[] raw;
    private final @Nullable BtfTable base;
    private final int firstId;
    private final int endId;
    private final int[] recordAt;
    private final int stringsAt;
    private final int firstString;
    private final int endString;

    static BtfTable read(String name, byte[] raw, @Nullable BtfTable base) throws BtfException {
        BtfTable table = new BtfTable(name, raw, base);
        table.checkRecords();
        return table;
    }

    private BtfTable(String name, byte[] raw, @Nullable BtfTable base) throws BtfException {
        this.name = name;
        this.raw = raw;
        this.base = base;
        this.firstId = base == null ? 1 : base.endId;
        this.firstString = base == null ? 0 : base.endString;

        if (raw.length < HEADER) {
            throw at(raw.length, "ends within its header of " + HEADER + " bytes");
        }
        int magic = (short) U16.get(raw, 0) & 0xffff;
        if (magic != MAGIC) {
            throw at(0, magic == MAGIC_OTHER_END ? "is big-endian" : "magic is 0x%04x, not 0xeb9f".formatted(magic));
        }
        if (raw[2] != VERSION) {
            throw at(2, "version is " + (raw[2] & 0xff) + ", only 1 is known");
        }
        long headerLength = u32(4);
        if (headerLength < HEADER || headerLength > raw.length) {
            throw at(4, "header length is " + headerLength);
        }
        for (int i = HEADER; i < headerLength; i++) {
            if (raw[i] != 0) {
                throw at(i, "the header says something unknown");
            }
        }
        long typesAt = headerLength + u32(8);
        long typesEnd = typesAt + u32(12);
        long strings = headerLength + u32(16);
        long stringsEnd = strings + u32(20);
        if (typesEnd > raw.length || typesAt % 4 != 0) {
            throw at(8, "types from 0x%x to 0x%x of %d bytes".formatted(typesAt, typesEnd, raw.length));
        }
        if (stringsEnd > raw.length) {
            throw at(16, "strings from 0x%x to 0x%x of %d bytes".formatted(strings, stringsEnd, raw.length));
        }
        // A split part without names of its own may have no string at all; every other table begins with "".
        if (strings == stringsEnd ? base == null : raw[(int) stringsEnd - 1] != 0) {
            throw at(stringsEnd, "the strings do not end with a NUL");
        }
        if (base == null && raw[(int) strings] != 0) {
            throw at(strings, "the strings do not begin with the empty one");
        }
        this.stringsAt = (int) strings;
        long lastString = firstString + (stringsEnd - strings);
        if (lastString > Integer.MAX_VALUE) {
            throw at(16, "more than 2 GiB of strings");
        }
        this.endString = (int) lastString;
        this.recordAt = findRecords((int) typesAt, (int) typesEnd);
        if ((long) firstId + recordAt.length > Integer.MAX_VALUE) {
            throw at(typesAt, "more than 2^31 types");
        }
        this.endId = firstId + recordAt.length;
    }

    private int[] findRecords(int from, int to) throws BtfException {
        int[] found = new int[Math.max(16, (to - from) / 20)];
        int count = 0;
        int position = from;
        while (position < to) {
            if (to - position < RECORD) {
                throw at(position, "a record is cut short");
            }
            int info = (int) U32.get(raw, position + 4);
            int length = RECORD + extraLength(kindValue(info), info & 0xffff, position);
            if (to - position < length) {
                throw at(position, "a record of " + length + " bytes is cut short");
            }
            if (count == found.length) {
                found = Arrays.copyOf(found, count * 2);
            }
            found[count++] = position;
            position += length;
        }
        return Arrays.copyOf(found, count);
    }

    private int extraLength(int kind, int vlen, int position) throws BtfException {
        if (kind == 0 || kind >= BtfKind.count()) {
            throw at(position, "kind " + kind + " is unknown");
        }
        return switch (BtfKind.of(kind)) {
            case INT, VAR, DECL_TAG -> 4;
            case ARRAY -> 12;
            case STRUCT, UNION, DATASEC, ENUM64 -> 12 * vlen;
            case ENUM, FUNC_PROTO -> 8 * vlen;
            default -> 0;
        };
    }

    private void checkRecords() throws BtfException {
        for (int id = firstId; id < endId; id++) {
            checkName(id, 0);
            switch (kind(id)) {
                case INT -> checkInt(id);
                case PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, VAR -> checkTypeReference(id, 2);
                case ARRAY -> {
                    checkTypeReference(id, 3);
                    checkTypeReference(id, 4);
                }
                case STRUCT, UNION -> {
                    for (int i = 0; i < vlen(id); i++) {
                        checkName(id, 3 + 3 * i);
                        checkTypeReference(id, 4 + 3 * i);
                    }
                }
                case ENUM -> {
                    for (int i = 0; i < vlen(id); i++) {
                        checkName(id, 3 + 2 * i);
                    }
                }
                case ENUM64 -> {
                    for (int i = 0; i < vlen(id); i++) {
                        checkName(id, 3 + 3 * i);
                    }
                }
                case FUNC -> checkFunc(id);
                case FUNC_PROTO -> {
                    checkTypeReference(id, 2);
                    for (int i = 0; i < vlen(id); i++) {
                        checkName(id, 3 + 2 * i);
                        checkTypeReference(id, 4 + 2 * i);
                    }
                }
                case DATASEC -> {
                    for (int i = 0; i < vlen(id); i++) {
                        checkReference(id, 3 + 3 * i);
                    }
                }
                case DECL_TAG -> checkReference(id, 2);
                case VOID, FWD, FLOAT -> {}
            }
        }
    }

    private void checkInt(int id) throws BtfException {
        int data = word(id, 3);
        int bits = data & 0xff;
        int used = bits + (data >>> 16 & 0xff);
        long size = word(id, 2) & 0xffffffffL;
        if (bits > MAX_INT_BITS || size > MAX_INT_BITS / 8 || used > size * 8) {
            throw at(positionOf(id), "an integer has " + used + " bits in " + size + " bytes");
        }
    }

    private void checkFunc(int id) throws BtfException {
        checkReference(id, 2);
        if (kind(word(id, 2)) != BtfKind.FUNC_PROTO) {
            throw at(positionOf(id), "the type of a function is a " + kind(word(id, 2)));
        }
        if (vlen(id) > MAX_LINKAGE) {
            throw at(positionOf(id), "a function has linkage " + vlen(id));
        }
    }

    private void checkReference(int id, int index) throws BtfException {
        int target = word(id, index);
        if (target < 0 || target >= endId) {
            throw at(
                    positionOf(id) + 4L * index,
                    "type " + Integer.toUnsignedString(target) + " of " + (endId - 1) + " is referred to");
        }
    }

    private void checkTypeReference(int id, int index) throws BtfException {
        checkReference(id, index);
        BtfKind kind = kind(word(id, index));
        if (!kind.isType()) {
            throw at(positionOf(id) + 4L * index, "a " + kind + " is referred to as if it were a type");
        }
    }

    private void checkName(int id, int index) throws BtfException {
        int offset = word(id, index);
        if (offset < 0 || offset >= endString) {
            throw at(positionOf(id) + 4L * index, "name 0x%x of 0x%x bytes of strings".formatted(offset, endString));
        }
        checkText(offset, this, id, index);
    }

    /** The base has checked only the names that it uses itself; a split part may point into the middle of one. */
    private void checkText(int offset, BtfTable user, int id, int index) throws BtfException {
        if (offset < firstString) {
            requireBase().checkText(offset, user, id, index);
            return;
        }
        int from = stringsAt + offset - firstString;
        for (int i = from; raw[i] != 0; i++) {
            if (raw[i] < 0x20 || raw[i] == 0x7f || i - from >= MAX_NAME) {
                String complaint = i - from >= MAX_NAME ? "a name is too long" : "a name is not printable ASCII";
                throw user.at(user.positionOf(id) + 4L * index, complaint);
            }
        }
    }

    /** A complaint about the bytes at {@code offset}. */
    BtfException at(long offset, String complaint) {
        return new BtfException(name, offset, complaint);
    }

    String name() {
        return name;
    }

    /** The first id that is this table's own; lower ones are its base's. */
    int firstId() {
        return firstId;
    }

    /** The id after the last one. */
    int endId() {
        return endId;
    }

    /** Whether both are, byte for byte, the same, their bases included. */
    boolean sameBytes(BtfTable other) {
        if (this == other) {
            return true;
        }
        boolean sameBase = base == null ? other.base == null : other.base != null && base.sameBytes(other.base);
        return sameBase && Arrays.equals(raw, other.raw);
    }

    /** The {@code index}-th 32-bit word of the record, of which 0…2 are common to all kinds. */
    int word(int id, int index) {
        BtfTable owner = this;
        while (id < owner.firstId) {
            owner = owner.requireBase();
        }
        return (int) U32.get(owner.raw, owner.recordAt[id - owner.firstId] + 4 * index);
    }

    BtfKind kind(int id) {
        return id == 0 ? BtfKind.VOID : BtfKind.of(kindValue(word(id, 1)));
    }

    int vlen(int id) {
        return word(id, 1) & 0xffff;
    }

    boolean kindFlag(int id) {
        return word(id, 1) < 0;
    }

    /** The text at a string offset that a record of this table or its base holds. */
    String text(int offset) {
        BtfTable owner = this;
        while (offset < owner.firstString) {
            owner = owner.requireBase();
        }
        int from = owner.stringsAt + offset - owner.firstString;
        int to = from;
        while (owner.raw[to] != 0) {
            to++;
        }
        return new String(owner.raw, from, to - from, StandardCharsets.US_ASCII);
    }

    /** The name of a type; {@code ""} for void and for what has none. */
    String nameOf(int id) {
        return id == 0 ? "" : text(word(id, 0));
    }

    /** Where the record of one of this table's own types begins. */
    long positionOf(int id) {
        return recordAt[id - firstId];
    }

    private BtfTable requireBase() {
        if (base == null) {
            throw new IllegalArgumentException(name + ": there is no type 0 record, and no base");
        }
        return base;
    }

    private long u32(int offset) {
        return (int) U32.get(raw, offset) & 0xffffffffL;
    }

    private static int kindValue(int info) {
        return info >>> 24 & 0x1f;
    }
}
