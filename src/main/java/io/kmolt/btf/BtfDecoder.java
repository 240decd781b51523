package io.kmolt.btf;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.BtfType.Linkage;
import io.kmolt.btf.BtfType.Member;
import io.kmolt.btf.BtfType.Parameter;
import io.kmolt.btf.BtfType.SectionEntry;
import java.util.ArrayList;
import java.util.List;

/** Turns a checked record into a {@link BtfType}. The layouts are those of {@code include/uapi/linux/btf.h}. */
final class BtfDecoder {
    private static final int INT_SIGNED = 1;
    private static final int INT_CHAR = 2;
    private static final int INT_BOOL = 4;

    private BtfDecoder() {}

    static BtfType decode(BtfTable table, int id) {
        if (id == 0) {
            return new BtfType.VoidType();
        }
        BtfKind kind = table.kind(id);
        String name = table.nameOf(id);
        int target = table.word(id, 2);
        long size = Integer.toUnsignedLong(target);
        return switch (kind) {
            case VOID -> new BtfType.VoidType();
            case INT -> integer(table, id, name, size);
            case PTR -> new BtfType.Ptr(id, target);
            case ARRAY ->
                new BtfType.Array(id, table.word(id, 3), table.word(id, 4), Integer.toUnsignedLong(table.word(id, 5)));
            case STRUCT, UNION -> new BtfType.Composite(id, kind, name, size, members(table, id));
            case ENUM, ENUM64 ->
                new BtfType.Enumeration(id, kind, name, size, table.kindFlag(id), enumerators(table, id, kind));
            case FWD -> new BtfType.Fwd(id, name, table.kindFlag(id));
            case TYPEDEF -> new BtfType.Typedef(id, name, target);
            case VOLATILE, CONST, RESTRICT, TYPE_TAG -> new BtfType.Qualifier(id, kind, name, target);
            case FUNC -> new BtfType.Func(id, name, target, linkage(table.vlen(id)));
            case FUNC_PROTO -> proto(table, id, target);
            case VAR -> new BtfType.Var(id, name, target, table.word(id, 3));
            case DATASEC -> new BtfType.DataSec(id, name, size, entries(table, id));
            case FLOAT -> new BtfType.Floating(id, name, size);
            case DECL_TAG -> new BtfType.DeclTag(id, name, target, table.word(id, 3));
        };
    }

    private static BtfType.Int integer(BtfTable table, int id, String name, long size) {
        int data = table.word(id, 3);
        int encoding = data >>> 24 & 0xf;
        return new BtfType.Int(
                id,
                name,
                size,
                data & 0xff,
                data >>> 16 & 0xff,
                (encoding & INT_SIGNED) != 0,
                (encoding & INT_CHAR) != 0,
                (encoding & INT_BOOL) != 0);
    }

    private static List<Member> members(BtfTable table, int id) {
        int count = table.vlen(id);
        List<Member> members = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            String name = table.text(table.word(id, 3 + 3 * i));
            int type = table.word(id, 4 + 3 * i);
            int place = table.word(id, 5 + 3 * i);
            members.add(
                    table.kindFlag(id)
                            ? new Member(name, type, place & 0xffffff, place >>> 24)
                            : plainMember(table, name, type, Integer.toUnsignedLong(place)));
        }
        return List.copyOf(members);
    }

    /** Without the kind flag, a bit-field is a member whose integer has fewer bits than its bytes hold. */
    private static Member plainMember(BtfTable table, String name, int type, long bitOffset) {
        int inner = type;
        while (table.kind(inner).isQualifier() || table.kind(inner) == BtfKind.TYPEDEF) {
            inner = table.word(inner, 2);
        }
        if (table.kind(inner) == BtfKind.INT) {
            int data = table.word(inner, 3);
            int bits = data & 0xff;
            if (bits != Integer.toUnsignedLong(table.word(inner, 2)) * 8) {
                return new Member(name, type, bitOffset + (data >>> 16 & 0xff), bits);
            }
        }
        return new Member(name, type, bitOffset, 0);
    }

    private static List<Enumerator> enumerators(BtfTable table, int id, BtfKind kind) {
        int count = table.vlen(id);
        boolean wide = kind == BtfKind.ENUM64;
        int step = wide ? 3 : 2;
        List<Enumerator> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int low = table.word(id, 4 + step * i);
            long value;
            if (wide) {
                value = (long) table.word(id, 5 + step * i) << 32 | Integer.toUnsignedLong(low);
            } else {
                value = table.kindFlag(id) ? low : Integer.toUnsignedLong(low);
            }
            all.add(new Enumerator(table.text(table.word(id, 3 + step * i)), value));
        }
        return List.copyOf(all);
    }

    /** {@code enum btf_func_linkage}; that there is no further value was checked. */
    private static Linkage linkage(int value) {
        return switch (value) {
            case 0 -> Linkage.STATIC;
            case 1 -> Linkage.GLOBAL;
            default -> Linkage.EXTERN;
        };
    }

    private static BtfType.FuncProto proto(BtfTable table, int id, int result) {
        int count = table.vlen(id);
        boolean variadic =
                count > 0 && table.word(id, 3 + 2 * (count - 1)) == 0 && table.word(id, 4 + 2 * (count - 1)) == 0;
        List<Parameter> parameters = new ArrayList<>(count);
        for (int i = 0; i < (variadic ? count - 1 : count); i++) {
            parameters.add(new Parameter(table.text(table.word(id, 3 + 2 * i)), table.word(id, 4 + 2 * i)));
        }
        return new BtfType.FuncProto(id, result, List.copyOf(parameters), variadic);
    }

    private static List<SectionEntry> entries(BtfTable table, int id) {
        int count = table.vlen(id);
        List<SectionEntry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            entries.add(new SectionEntry(
                    table.word(id, 3 + 3 * i),
                    Integer.toUnsignedLong(table.word(id, 4 + 3 * i)),
                    Integer.toUnsignedLong(table.word(id, 5 + 3 * i))));
        }
        return List.copyOf(entries);
    }
}
