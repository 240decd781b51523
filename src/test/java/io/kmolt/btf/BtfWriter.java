package io.kmolt.btf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes BTF, record by record, without the code under test. Each method returns the id of the type that it adds. */
final class BtfWriter {
    static final int SIGNED = 1;
    static final int CHAR = 2;
    static final int BOOL = 4;

    private static final int HEADER = 24;

    /** A member; its place is encoded when its structure is written. */
    record M(String name, int type, int bitOffset, int bitSize) {}

    private final int firstId;
    private final int firstString;
    private final ByteArrayOutputStream types = new ByteArrayOutputStream();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final Map<String, Integer> names = new LinkedHashMap<>();
    private int nextId;

    BtfWriter() {
        this.firstId = 1;
        this.firstString = 0;
        this.nextId = 1;
        strings.write(0);
        names.put("", 0);
    }

    private BtfWriter(BtfWriter base) {
        this.firstId = base.nextId;
        this.nextId = firstId;
        this.firstString = base.firstString + base.strings.size();
        names.put("", 0);
        names.putAll(base.names);
    }

    /** Split BTF on top of what this writer holds by now. */
    BtfWriter split() {
        return new BtfWriter(this);
    }

    static M m(String name, int type, int byteOffset) {
        return new M(name, type, byteOffset * 8, 0);
    }

    static M bits(String name, int type, int bitOffset, int bitSize) {
        return new M(name, type, bitOffset, bitSize);
    }

    /** The id that the next type will have, so that earlier ones can refer to it. */
    int next() {
        return nextId;
    }

    int name(String name) {
        Integer known = names.get(name);
        if (known != null) {
            return known;
        }
        int offset = firstString + strings.size();
        strings.writeBytes((name + "\0").getBytes(StandardCharsets.ISO_8859_1));
        names.put(name, offset);
        return offset;
    }

    /** A record as it comes, right or wrong. */
    int raw(String name, int kind, int vlen, boolean flag, int sizeOrType, int... rest) {
        word(name(name));
        word((flag ? 1 << 31 : 0) | kind << 24 | vlen);
        word(sizeOrType);
        for (int value : rest) {
            word(value);
        }
        return nextId++;
    }

    int integer(String name, int size, int encoding) {
        return raw(name, 1, 0, false, size, encoding << 24 | size * 8);
    }

    int intType() {
        return integer("int", 4, SIGNED);
    }

    int longType() {
        return integer("long int", 8, SIGNED);
    }

    int ptr(int target) {
        return raw("", 2, 0, false, target);
    }

    int array(int element, int count) {
        return raw("", 3, 0, false, 0, element, element, count);
    }

    int struct(String name, int size, M... members) {
        return composite(4, name, size, members);
    }

    int union(String name, int size, M... members) {
        return composite(5, name, size, members);
    }

    private int composite(int kind, String name, int size, M... members) {
        boolean flag = false;
        for (M member : members) {
            flag |= member.bitSize != 0;
        }
        int[] rest = new int[members.length * 3];
        for (int i = 0; i < members.length; i++) {
            rest[3 * i] = name(members[i].name);
            rest[3 * i + 1] = members[i].type;
            rest[3 * i + 2] = members[i].bitOffset | members[i].bitSize << 24;
        }
        return raw(name, kind, members.length, flag, size, rest);
    }

    /** A 4-byte enumeration of signed values: name, value, name, value … */
    int enumeration(String name, Object... pairs) {
        int[] rest = new int[pairs.length];
        for (int i = 0; i < pairs.length; i += 2) {
            rest[i] = name((String) pairs[i]);
            rest[i + 1] = (Integer) pairs[i + 1];
        }
        return raw(name, 6, pairs.length / 2, true, 4, rest);
    }

    int enum64(String name, boolean signed, String enumerator, long value) {
        return raw(name, 19, 1, signed, 8, name(enumerator), (int) value, (int) (value >>> 32));
    }

    int fwd(String name, boolean union) {
        return raw(name, 7, 0, union, 0);
    }

    int typedef(String name, int target) {
        return raw(name, 8, 0, false, target);
    }

    int constant(int target) {
        return raw("", 10, 0, false, target);
    }

    int function(String name, int proto) {
        return raw(name, 12, 1, false, proto);
    }

    /** A prototype whose parameters have no names. */
    int proto(int result, int... parameters) {
        int[] rest = new int[parameters.length * 2];
        for (int i = 0; i < parameters.length; i++) {
            rest[2 * i] = parameters[i] == 0 ? 0 : name("p" + i);
            rest[2 * i + 1] = parameters[i];
        }
        return raw("", 13, parameters.length, false, result, rest);
    }

    private void word(int value) {
        types.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    byte[] bytes() {
        ByteBuffer out =
                ByteBuffer.allocate(HEADER + types.size() + strings.size()).order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(HEADER);
        out.putInt(0).putInt(types.size()).putInt(types.size()).putInt(strings.size());
        out.put(types.toByteArray()).put(strings.toByteArray());
        return out.array();
    }

    /** What was written, read by the code under test. */
    Btf read(String called) throws BtfException {
        return Btf.parse(called, bytes());
    }

    Btf read(String called, Btf base) throws BtfException {
        return Btf.parseSplit(called, bytes(), base);
    }
}
