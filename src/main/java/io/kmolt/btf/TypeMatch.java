package io.kmolt.btf;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.BtfType.Parameter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether a type of one BTF and a type of another are the same to code that uses them.
 *
 * <p>Typedefs and qualifiers do not count. Integers are the same if their size and sign are, whatever they are called.
 * A structure, union or enumeration is known by its name where it has one: {@link #same} goes no deeper than name and
 * size, {@link #sameContents} looks at members. What a pointer points to needs the same name and nothing else, for it
 * may be unknown to the one that holds the pointer. What has no name is compared member by member.
 *
 * <p>Types without a name can (in malformed input only) reach themselves through pointers: a pair that is being compared
 * already counts as the same for the moment, and no answer that rests on such an assumption is kept. Bound: one
 * comparison for each pair, and {@link Budget} for what cannot be kept. Hard limit: {@link #MAX_DEPTH} nested types,
 * beyond which two types are different.
 */
final class TypeMatch {
    private static final int MAX_DEPTH = 400;
    private static final int NO_ASSUMPTION = Integer.MAX_VALUE;

    private final Btf left;
    private final Btf right;
    private final Budget budget;
    private final boolean sameBase;
    private final Map<Long, Boolean> known = new HashMap<>();
    private final Map<Long, Integer> active = new HashMap<>();
    private int assumption = NO_ASSUMPTION;
    private int depth;

    TypeMatch(Btf left, Btf right, Budget budget) {
        this.left = left;
        this.right = right;
        this.budget = budget;
        this.sameBase = left.base().isPresent()
                && right.base().isPresent()
                && left.base().get().sameAs(right.base().get());
    }

    /** Whether both ids are one type of one base, which then cannot differ. */
    boolean identical(int a, int b) {
        return a == b && (a == 0 || (sameBase && !left.owns(a) && !right.owns(b)));
    }

    /** Whether a variable, member or parameter could have either type; named types count by name and size. */
    boolean same(int a, int b) {
        int x = left.resolved(a);
        int y = right.resolved(b);
        if (identical(x, y)) {
            return true;
        }
        budget.spend(1);
        if (depth > MAX_DEPTH) {
            return false;
        }
        depth++;
        try {
            return sameResolved(left.type(x), right.type(y));
        } finally {
            depth--;
        }
    }

    private boolean sameResolved(BtfType a, BtfType b) {
        return switch (a) {
            case BtfType.VoidType _ -> b instanceof BtfType.VoidType;
            case BtfType.Int i ->
                b instanceof BtfType.Int j
                        && i.size() == j.size()
                        && i.bits() == j.bits()
                        && i.bitOffset() == j.bitOffset()
                        && i.signed() == j.signed()
                        && i.bool() == j.bool();
            case BtfType.Floating f -> b instanceof BtfType.Floating g && f.size() == g.size();
            case BtfType.Ptr p -> b instanceof BtfType.Ptr q && samePointee(p.target(), q.target());
            case BtfType.Array s ->
                b instanceof BtfType.Array t && s.count() == t.count() && same(s.element(), t.element());
            case BtfType.FuncProto s -> b instanceof BtfType.FuncProto t && sameProto(s, t);
            case BtfType.Enumeration s -> b instanceof BtfType.Enumeration t && s.size() == t.size() && sameTag(s, t);
            case BtfType.Composite s ->
                b instanceof BtfType.Composite t && s.kind() == t.kind() && s.size() == t.size() && sameTag(s, t);
            case BtfType.Fwd s -> b instanceof BtfType.Fwd t && s.union() == t.union() && sameName(s, t);
            default -> false;
        };
    }

    private boolean sameProto(BtfType.FuncProto a, BtfType.FuncProto b) {
        List<Parameter> s = a.parameters();
        List<Parameter> t = b.parameters();
        if (s.size() != t.size() || a.variadic() != b.variadic() || !same(a.result(), b.result())) {
            return false;
        }
        for (int i = 0; i < s.size(); i++) {
            if (!same(s.get(i).type(), t.get(i).type())) {
                return false;
            }
        }
        return true;
    }

    /** Whether pointers to either can stand for each other: tags and typedefs of the same name, of whatever contents. */
    boolean samePointee(int a, int b) {
        int x = left.resolved(a);
        int y = right.resolved(b);
        if (left.kind(x) == BtfKind.VOID || right.kind(y) == BtfKind.VOID) {
            return left.kind(x) == right.kind(y);
        }
        String kind = tagKind(left.type(x));
        if (kind.isEmpty() || !kind.equals(tagKind(right.type(y)))) {
            return same(x, y);
        }
        String name = TypeText.knownAs(left, a);
        String other = TypeText.knownAs(right, b);
        return name.isEmpty() ? other.isEmpty() && sameContents(x, y) : name.equals(other);
    }

    /** Which of the tagged kinds it is, a mere declaration included; {@code ""} for a type without a tag. */
    private static String tagKind(BtfType type) {
        return switch (type) {
            case BtfType.Composite c -> c.kind() == BtfKind.UNION ? "union" : "struct";
            case BtfType.Fwd f -> f.union() ? "union" : "struct";
            case BtfType.Enumeration _ -> "enum";
            default -> "";
        };
    }

    /** Whether a value of either type is passed to or from a function in the same way, with the same meaning. */
    boolean samePassed(int a, int b) {
        return same(a, b) && (!left.kind(left.resolved(a)).isComposite() || sameContents(a, b));
    }

    /** Whether two typedefs, or two tagged types, mean the same, contents included. */
    boolean sameDefinition(int a, int b) {
        return same(a, b) && sameContents(a, b);
    }

    /**
     * Whether two types are the same down to the offsets and types of their members, those of embedded types included,
     * or to the values of their enumerators.
     */
    boolean sameContents(int a, int b) {
        int x = left.resolved(a);
        int y = right.resolved(b);
        if (identical(x, y)) {
            return true;
        }
        budget.spend(1);
        long pair = (long) x << 32 | y;
        Boolean answer = known.get(pair);
        if (answer != null) {
            return answer;
        }
        Integer since = active.get(pair);
        if (since != null) {
            assumption = Math.min(assumption, since);
            return true;
        }
        if (depth > MAX_DEPTH) {
            return false;
        }
        int level = active.size();
        active.put(pair, level);
        depth++;
        boolean same;
        try {
            same = compareContents(left.type(x), right.type(y));
        } finally {
            depth--;
            active.remove(pair);
        }
        if (!same || assumption >= level) {
            known.put(pair, same);
            assumption = NO_ASSUMPTION;
        }
        return same;
    }

    private boolean compareContents(BtfType a, BtfType b) {
        if (a instanceof BtfType.Composite s && b instanceof BtfType.Composite t) {
            return s.kind() == t.kind() && s.size() == t.size() && sameFields(s.id(), t.id());
        }
        if (a instanceof BtfType.Enumeration s && b instanceof BtfType.Enumeration t) {
            budget.spend(s.enumerators().size());
            return s.size() == t.size()
                    && s.signed() == t.signed()
                    && sorted(s.enumerators()).equals(sorted(t.enumerators()));
        }
        if (a instanceof BtfType.Array s && b instanceof BtfType.Array t) {
            return s.count() == t.count() && sameContents(s.element(), t.element());
        }
        return sameResolved(a, b);
    }

    private boolean sameFields(int a, int b) {
        List<Field> s = Field.of(left, a, budget);
        List<Field> t = Field.of(right, b, budget);
        if (s.size() != t.size()) {
            return false;
        }
        for (int i = 0; i < s.size(); i++) {
            Field f = s.get(i);
            Field g = t.get(i);
            if (f.bitOffset() != g.bitOffset()
                    || f.bitSize() != g.bitSize()
                    || !f.name().equals(g.name())
                    || !same(f.type(), g.type())
                    || !sameContents(f.type(), g.type())) {
                return false;
            }
        }
        return true;
    }

    private static List<Enumerator> sorted(List<Enumerator> enumerators) {
        List<Enumerator> sorted = new ArrayList<>(enumerators);
        sorted.sort(Comparator.comparing(Enumerator::name).thenComparingLong(Enumerator::value));
        return sorted;
    }

    private static boolean sameName(BtfType a, BtfType b) {
        return !a.name().isEmpty() && a.name().equals(b.name());
    }

    /** By name where they have one, else by what is in them. */
    private boolean sameTag(BtfType a, BtfType b) {
        return a.name().isEmpty() ? b.name().isEmpty() && sameContents(a.id(), b.id()) : sameName(a, b);
    }
}
