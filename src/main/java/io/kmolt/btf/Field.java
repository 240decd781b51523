package io.kmolt.btf;

import io.kmolt.btf.BtfType.Member;
import java.util.ArrayList;
import java.util.List;

/**
 * A member as C sees it: those of anonymous structures and unions count as members of the type around them.
 *
 * @param bitOffset from the start of the type that was asked for
 * @param bitSize the width of a bit-field, or 0
 */
record Field(String name, long bitOffset, int bitSize, int type) {

    /** The fields of a structure or union, in the order of their declaration. */
    static List<Field> of(Btf btf, int composite, Budget budget) {
        List<Field> fields = new ArrayList<>();
        collect(btf, composite, 0, fields, budget);
        return fields;
    }

    private static void collect(Btf btf, int composite, long origin, List<Field> into, Budget budget) {
        if (!(btf.type(composite) instanceof BtfType.Composite type)) {
            return;
        }
        budget.spend(type.members().size());
        for (Member member : type.members()) {
            int inner = btf.resolved(member.type());
            long offset = origin + member.bitOffset();
            if (member.name().isEmpty() && btf.kind(inner).isComposite()) {
                collect(btf, inner, offset, into, budget);
            } else {
                into.add(new Field(member.name(), offset, member.bitSize(), member.type()));
            }
        }
    }

    /** How many bits it takes. */
    long bits(Btf btf) {
        if (bitSize != 0) {
            return bitSize;
        }
        long bytes = btf.sizeOf(type);
        return bytes > Long.MAX_VALUE / 8 ? Long.MAX_VALUE : bytes * 8;
    }
}
