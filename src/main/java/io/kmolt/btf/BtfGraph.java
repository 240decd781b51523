package io.kmolt.btf;

import org.jspecify.annotations.Nullable;

/**
 * Refuses type graphs that no C program has and that would keep a reader busy for ever: types that contain themselves,
 * chains without end, and nests of anonymous members that unfold to millions.
 *
 * <p>Two walks over the records, each with its own idea of an edge:
 *
 * <ul>
 *   <li><em>by value</em>: typedef, qualifier, array element, member. A loop here is a type of infinite size.
 *   <li><em>without passing a structure or union</em>: typedef, qualifier, pointer, array element, parameter, result. C
 *       can close a loop only through a tag, so one that meets no structure or union comes from no compiler. The
 *       kernel refuses both as well ({@code btf_resolve} in {@code kernel/bpf/btf.c}).
 * </ul>
 *
 * <p>Both are limited to {@link #MAX_DEPTH} levels (the kernel: 32), so walks along such edges, here and elsewhere in
 * this package, may recurse. Bound: linear in the records, because what was seen is not walked again.
 */
final class BtfGraph {
    static final int MAX_DEPTH = 100;
    static final int MAX_UNFOLDED = 1 << 20;

    private static final byte ACTIVE = -1;

    private final BtfTable table;
    private final @Nullable BtfGraph base;
    private final byte[] valueDepth;
    private final byte[] chainDepth;
    /** How many members a structure or union has once its anonymous structures and unions are unfolded. */
    private final int[] unfolded;

    static BtfGraph check(BtfTable table, @Nullable BtfGraph base) throws BtfException {
        BtfGraph graph = new BtfGraph(table, base);
        for (int id = table.firstId(); id < table.endId(); id++) {
            graph.valueDepth(id, 0);
        }
        for (int id = table.firstId(); id < table.endId(); id++) {
            graph.chainDepth(id, 0);
        }
        return graph;
    }

    private BtfGraph(BtfTable table, @Nullable BtfGraph base) {
        this.table = table;
        this.base = base;
        int own = table.endId() - table.firstId();
        this.valueDepth = new byte[own];
        this.chainDepth = new byte[own];
        this.unfolded = new int[own];
    }

    private int valueDepth(int id, int level) throws BtfException {
        if (id == 0) {
            return 0;
        }
        if (base != null && id < table.firstId()) {
            return base.valueDepth(id, level);
        }
        int known = enter(valueDepth, id, level);
        if (known > 0) {
            return known;
        }
        int deepest = 0;
        switch (table.kind(id)) {
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, VAR ->
                deepest = valueDepth(table.word(id, 2), level + 1);
            case ARRAY -> deepest = valueDepth(table.word(id, 3), level + 1);
            case STRUCT, UNION -> {
                int members = table.vlen(id);
                for (int i = 0; i < members; i++) {
                    deepest = Math.max(deepest, valueDepth(table.word(id, 4 + 3 * i), level + 1));
                }
                unfolded[id - table.firstId()] = unfold(id, members);
            }
            default -> {}
        }
        return leave(valueDepth, id, deepest);
    }

    private int unfold(int id, int members) throws BtfException {
        long total = members;
        for (int i = 0; i < members; i++) {
            int type = table.word(id, 4 + 3 * i);
            int inner = undress(type);
            if (table.kind(inner).isComposite() && (table.word(inner, 0) == 0 || table.word(id, 3 + 3 * i) == 0)) {
                total += unfolded(inner);
            }
        }
        if (total > MAX_UNFOLDED) {
            throw table.at(table.positionOf(id), "a type unfolds to more than " + MAX_UNFOLDED + " members");
        }
        return (int) total;
    }

    /** The type beneath arrays, typedefs and qualifiers; of a type whose depth is known, so that this ends. */
    private int undress(int id) {
        int inner = id;
        while (true) {
            switch (table.kind(inner)) {
                case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> inner = table.word(inner, 2);
                case ARRAY -> inner = table.word(inner, 3);
                default -> {
                    return inner;
                }
            }
        }
    }

    private int unfolded(int id) {
        return base != null && id < table.firstId() ? base.unfolded(id) : unfolded[id - table.firstId()];
    }

    private int chainDepth(int id, int level) throws BtfException {
        if (id == 0) {
            return 0;
        }
        if (base != null && id < table.firstId()) {
            return base.chainDepth(id, level);
        }
        int known = enter(chainDepth, id, level);
        if (known > 0) {
            return known;
        }
        int deepest = 0;
        switch (table.kind(id)) {
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, PTR, FUNC, VAR ->
                deepest = chainDepth(table.word(id, 2), level + 1);
            case ARRAY -> deepest = chainDepth(table.word(id, 3), level + 1);
            case FUNC_PROTO -> {
                deepest = chainDepth(table.word(id, 2), level + 1);
                for (int i = 0; i < table.vlen(id); i++) {
                    deepest = Math.max(deepest, chainDepth(table.word(id, 4 + 2 * i), level + 1));
                }
            }
            default -> {}
        }
        return leave(chainDepth, id, deepest);
    }

    /** The depth that is known already, or 0 after the type was marked as being walked. */
    private int enter(byte[] depths, int id, int level) throws BtfException {
        byte depth = depths[id - table.firstId()];
        if (depth == ACTIVE) {
            throw table.at(table.positionOf(id), "type " + id + " contains itself");
        }
        if (level > MAX_DEPTH) {
            throw tooDeep(id);
        }
        if (depth == 0) {
            depths[id - table.firstId()] = ACTIVE;
        }
        return depth;
    }

    private int leave(byte[] depths, int id, int deepest) throws BtfException {
        if (deepest >= MAX_DEPTH) {
            throw tooDeep(id);
        }
        depths[id - table.firstId()] = (byte) (deepest + 1);
        return deepest + 1;
    }

    private BtfException tooDeep(int id) {
        return table.at(table.positionOf(id), "type " + id + " nests more than " + MAX_DEPTH + " deep");
    }
}
