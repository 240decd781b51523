package io.kmolt.btf;

import io.kmolt.btf.BtfType.Parameter;

/** Types as C writes them, near enough for a message: {@code struct inode *}, {@code int (*)(u32, char *)}. */
final class TypeText {
    private static final int MAX_LENGTH = 160;

    private TypeText() {}

    /** How C would declare something of that type; ends in an ellipsis where it would be long. */
    static String of(Btf btf, int id) {
        StringBuilder text = new StringBuilder();
        append(btf, id, "", text);
        return text.length() <= MAX_LENGTH ? text.toString() : text.substring(0, MAX_LENGTH) + "…";
    }

    /**
     * The name by which others know a structure, union or enumeration: its tag, or, lacking one, the last typedef on
     * the way to it; {@code ""} if it has neither.
     */
    static String knownAs(Btf btf, int id) {
        String name = "";
        int inner = btf.unqualified(id);
        while (btf.type(inner) instanceof BtfType.Typedef typedef) {
            name = typedef.name();
            inner = btf.unqualified(typedef.target());
        }
        String tag = btf.nameOf(inner);
        return tag.isEmpty() ? name : tag;
    }

    /** Appends {@code id}'s text around {@code declarator}, which is what C writes to the right of the name. */
    private static void append(Btf btf, int id, String declarator, StringBuilder out) {
        if (out.length() > MAX_LENGTH || declarator.length() > MAX_LENGTH) {
            out.append('…');
            return;
        }
        switch (btf.type(id)) {
            case BtfType.VoidType _ -> out.append("void").append(spaced(declarator));
            case BtfType.Qualifier q -> append(btf, q.target(), declarator, out);
            case BtfType.Ptr p -> append(btf, p.target(), "*" + declarator, out);
            case BtfType.Array a -> {
                String inner = declarator.startsWith("*") ? "(" + declarator + ")" : declarator;
                append(btf, a.element(), inner + "[" + (a.count() == 0 ? "" : a.count()) + "]", out);
            }
            case BtfType.FuncProto f -> {
                String inner = declarator.isEmpty() ? "" : "(" + declarator + ")";
                append(btf, f.result(), inner + parameters(btf, f, out.length() + declarator.length()), out);
            }
            case BtfType.Composite c -> tagged(c.kind() == BtfKind.UNION ? "union" : "struct", c, declarator, out);
            case BtfType.Enumeration e -> tagged("enum", e, declarator, out);
            case BtfType.Fwd f -> tagged(f.union() ? "union" : "struct", f, declarator, out);
            case BtfType other -> out.append(other.name()).append(spaced(declarator));
        }
    }

    private static String parameters(Btf btf, BtfType.FuncProto proto, int used) {
        StringBuilder list = new StringBuilder("(");
        for (Parameter parameter : proto.parameters()) {
            if (list.length() > 1) {
                list.append(", ");
            }
            if (used + list.length() > MAX_LENGTH) {
                return list.append("…)").toString();
            }
            append(btf, parameter.type(), "", list);
        }
        if (proto.variadic()) {
            list.append(list.length() > 1 ? ", ..." : "...");
        } else if (proto.parameters().isEmpty()) {
            list.append("void");
        }
        return list.append(')').toString();
    }

    private static void tagged(String keyword, BtfType type, String declarator, StringBuilder out) {
        out.append(keyword).append(' ').append(type.name().isEmpty() ? "{…}" : type.name());
        out.append(spaced(declarator));
    }

    private static String spaced(String declarator) {
        return declarator.startsWith("*") || declarator.startsWith("(") ? " " + declarator : declarator;
    }
}
