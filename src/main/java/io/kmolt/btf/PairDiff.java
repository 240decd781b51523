package io.kmolt.btf;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.LayoutDifference.Kind;
import io.kmolt.btf.LayoutDifference.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * Compares pairs of types member by member, and every pair that these embed by value or that only a pointer to a
 * structure without a name leads to. Each pair is compared once: a difference within an embedded type is reported for
 * that type and not for all that embed it; these report what they notice themselves, another size or other offsets.
 */
final class PairDiff {
    private record Pair(int old, int now, String label, String prefix, boolean ambiguous) {}

    /** What is being compared, and how far into it the two sides are, in bits. */
    private record Spot(Pair pair, String path, long oldOrigin, long newOrigin) {
        Spot into(String step, long oldOffset, long newOffset) {
            return new Spot(pair, path + step, oldOrigin + oldOffset, newOrigin + newOffset);
        }
    }

    private final Btf old;
    private final Btf now;
    private final TypeMatch match;
    private final Budget budget;
    private final Deque<Pair> queue = new ArrayDeque<>();
    private final Set<Long> seen = new HashSet<>();
    private List<LayoutDifference> found = new ArrayList<>();
    private boolean trial;

    PairDiff(Btf old, Btf now, TypeMatch match, Budget budget) {
        this.old = old;
        this.now = now;
        this.match = match;
        this.budget = budget;
    }

    /** Queues two types that bear the same name: tagged types, or typedefs. */
    void add(int a, int b, boolean ambiguous) {
        int x = old.resolved(a);
        int y = now.resolved(b);
        if (old.kind(a) == BtfKind.TYPEDEF && isNameless(old, x) && isNameless(now, y)) {
            push(new Pair(x, y, "typedef " + old.nameOf(a), "", ambiguous));
        } else {
            push(new Pair(a, b, label(old, a), "", ambiguous));
        }
    }

    /** Queues two types without a name, under the label that they are to be reported by. */
    void addNameless(int a, int b, String label, boolean ambiguous) {
        push(new Pair(a, b, label, "", ambiguous));
    }

    /** Reports that a constant of enumerations without a name has other values; usually one on each side. */
    void reportConstant(String name, SortedSet<Long> before, SortedSet<Long> after) {
        Pair pair = new Pair(0, 0, "enum {…}", "", before.size() > 1 || after.size() > 1);
        reportValue(new Spot(pair, "", 0, 0), Kind.ENUMERATOR_VALUE, name, values(before), values(after));
    }

    private static Optional<Place> values(SortedSet<Long> values) {
        List<String> texts = values.stream().map(String::valueOf).toList();
        return Optional.of(new Place(0, 0, String.join(" or ", texts)));
    }

    /** How many differences the two have, what they embed left aside. */
    int distance(int a, int b) {
        List<LayoutDifference> kept = found;
        found = new ArrayList<>();
        trial = true;
        try {
            compare(new Pair(a, b, "", "", false));
            return found.size();
        } finally {
            trial = false;
            found = kept;
        }
    }

    /** Compares all that is queued and what comes to the queue meanwhile. */
    void drain() {
        for (Pair pair = queue.poll(); pair != null; pair = queue.poll()) {
            compare(pair);
        }
    }

    List<LayoutDifference> differences() {
        return found;
    }

    /** How a type is called in reports. */
    static String label(Btf btf, int id) {
        return switch (btf.type(id)) {
            case BtfType.Typedef t -> "typedef " + t.name();
            case BtfType.Composite c -> (c.kind() == BtfKind.UNION ? "union " : "struct ") + c.name();
            case BtfType.Enumeration e -> "enum " + e.name();
            case BtfType other -> TypeText.of(btf, other.id());
        };
    }

    private static boolean isNameless(Btf btf, int id) {
        return (btf.kind(id).isComposite() || btf.kind(id).isEnum())
                && btf.nameOf(id).isEmpty();
    }

    private void push(Pair pair) {
        if (!trial && !match.identical(pair.old, pair.now) && seen.add((long) pair.old << 32 | pair.now)) {
            queue.add(pair);
        }
    }

    private void compare(Pair pair) {
        Spot start = new Spot(pair, pair.prefix, 0, 0);
        switch (old.type(pair.old)) {
            case BtfType.Typedef a
            when now.type(pair.now) instanceof BtfType.Typedef b -> use(start, a.target(), b.target());
            case BtfType.Composite a
            when now.type(pair.now) instanceof BtfType.Composite b && a.kind() == b.kind() -> {
                sizes(start, a.size(), b.size());
                members(start, a.id(), b.id());
            }
            case BtfType.Enumeration a when now.type(pair.now) instanceof BtfType.Enumeration b -> enums(start, a, b);
            default ->
                report(
                        start,
                        Kind.RETYPED,
                        place(start, pair.old, pair.now, true),
                        place(start, pair.old, pair.now, false));
        }
    }

    private void sizes(Spot spot, long a, long b) {
        if (a != b) {
            report(spot, Kind.SIZE, Optional.of(new Place(0, a * 8, "")), Optional.of(new Place(0, b * 8, "")));
        }
    }

    private void members(Spot spot, int a, int b) {
        List<Field> before = Field.of(old, a, budget);
        Map<String, Deque<Field>> after = new LinkedHashMap<>();
        for (Field field : Field.of(now, b, budget)) {
            after.computeIfAbsent(field.name(), _ -> new ArrayDeque<>()).add(field);
        }
        List<Field> removed = new ArrayList<>();
        for (Field field : before) {
            Deque<Field> namesakes = after.get(field.name());
            Field counterpart = namesakes == null ? null : namesakes.poll();
            if (counterpart == null) {
                removed.add(field);
            } else {
                member(spot, field, counterpart);
            }
        }
        List<Field> added = new ArrayList<>();
        after.values().forEach(added::addAll);
        renamed(spot, removed, added);
        for (Field field : removed) {
            report(spot.into(field.name(), 0, 0), Kind.REMOVED, placeOf(old, field, spot.oldOrigin), Optional.empty());
        }
        for (Field field : added) {
            report(spot.into(field.name(), 0, 0), Kind.ADDED, Optional.empty(), placeOf(now, field, spot.newOrigin));
        }
    }

    /** Takes out of both lists what differs in nothing but its name, if no other member could be meant. */
    private void renamed(Spot spot, List<Field> removed, List<Field> added) {
        for (Iterator<Field> iterator = removed.iterator(); iterator.hasNext() && !added.isEmpty(); ) {
            Field gone = iterator.next();
            budget.spend(removed.size() + added.size());
            List<Field> heirs = added.stream().filter(f -> samePlace(gone, f)).toList();
            if (heirs.size() != 1
                    || removed.stream()
                                    .filter(f -> samePlace(f, heirs.getFirst()))
                                    .count()
                            != 1) {
                continue;
            }
            Field heir = heirs.getFirst();
            if (match.same(gone.type(), heir.type())) {
                Place was = new Place(spot.oldOrigin + gone.bitOffset(), gone.bits(old), gone.name());
                Place is = new Place(spot.newOrigin + heir.bitOffset(), heir.bits(now), heir.name());
                report(spot.into(gone.name(), 0, 0), Kind.RENAMED, Optional.of(was), Optional.of(is));
                iterator.remove();
                added.remove(heir);
                use(spot.into(heir.name(), heir.bitOffset(), heir.bitOffset()), gone.type(), heir.type());
            }
        }
    }

    private boolean samePlace(Field a, Field b) {
        return a.bitOffset() == b.bitOffset() && a.bits(old) == b.bits(now);
    }

    private void member(Spot spot, Field a, Field b) {
        Spot here = spot.into(a.name(), 0, 0);
        Optional<Place> was = placeOf(old, a, spot.oldOrigin);
        Optional<Place> is = placeOf(now, b, spot.newOrigin);
        if (a.bitOffset() != b.bitOffset()) {
            report(here, Kind.MOVED, was, is);
        }
        if (a.bitSize() != 0 || b.bitSize() != 0) {
            if (a.bits(old) != b.bits(now)) {
                report(here, Kind.RESIZED, was, is);
            } else if (!match.same(a.type(), b.type()) || a.bitSize() != b.bitSize()) {
                report(here, Kind.RETYPED, was, is);
            }
            return;
        }
        use(spot.into(a.name(), a.bitOffset(), b.bitOffset()), a.type(), b.type());
    }

    /** Compares what two members, array elements or typedefs of the same name are. */
    private void use(Spot spot, int a, int b) {
        int x = old.resolved(a);
        int y = now.resolved(b);
        if (match.identical(x, y)) {
            return;
        }
        BtfType s = old.type(x);
        BtfType t = now.type(y);
        if (s instanceof BtfType.Array array && t instanceof BtfType.Array other) {
            if (array.count() != other.count()) {
                resizedOrRetyped(spot, a, b);
            }
            use(spot.into("[]", 0, 0), array.element(), other.element());
        } else if (s instanceof BtfType.Composite one
                && t instanceof BtfType.Composite two
                && one.kind() == two.kind()) {
            composites(spot, a, b, one, two);
        } else if (s instanceof BtfType.Enumeration one && t instanceof BtfType.Enumeration two) {
            enumsInUse(spot, a, b, one, two);
        } else if (s instanceof BtfType.Ptr p
                && t instanceof BtfType.Ptr q
                && isNameless(old, old.resolved(p.target()))
                && isNameless(now, now.resolved(q.target()))) {
            behindPointer(spot, p.target(), q.target());
        } else if (!match.same(x, y)) {
            resizedOrRetyped(spot, a, b);
        }
    }

    private void composites(Spot spot, int a, int b, BtfType.Composite one, BtfType.Composite two) {
        String name = TypeText.knownAs(old, a);
        boolean sameName = name.equals(TypeText.knownAs(now, b));
        boolean nameless = one.name().isEmpty() && two.name().isEmpty();
        if (one.size() != two.size() || !(sameName || nameless)) {
            resizedOrRetyped(spot, a, b);
        }
        if (nameless && (name.isEmpty() || !sameName)) {
            members(spot.into(".", 0, 0), one.id(), two.id());
        } else if (sameName) {
            push(new Pair(one.id(), two.id(), nameless ? "typedef " + name : label(old, one.id()), "", false));
        }
    }

    private void enumsInUse(Spot spot, int a, int b, BtfType.Enumeration one, BtfType.Enumeration two) {
        boolean nameless = one.name().isEmpty() && two.name().isEmpty();
        if (one.size() != two.size() || !(nameless || one.name().equals(two.name()))) {
            resizedOrRetyped(spot, a, b);
        } else if (!nameless) {
            push(new Pair(one.id(), two.id(), label(old, one.id()), "", false));
        } else if (!old.owns(one.id()) || !now.owns(two.id())) {
            // Those that the module owns are compared as constants, in NamelessTypes.
            enums(spot, one, two);
        }
    }

    private void behindPointer(Spot spot, int a, int b) {
        String name = TypeText.knownAs(old, a);
        String other = TypeText.knownAs(now, b);
        int x = old.resolved(a);
        int y = now.resolved(b);
        if (old.kind(x) != now.kind(y)) {
            report(spot, Kind.RETYPED, place(spot, a, b, true), place(spot, a, b, false));
        } else if (name.isEmpty() || !name.equals(other)) {
            push(new Pair(x, y, spot.pair.label, spot.path + "->", spot.pair.ambiguous));
        } // else: a typedef's name, to be compared in its own right if the module owns it
    }

    private void enums(Spot spot, BtfType.Enumeration a, BtfType.Enumeration b) {
        sizes(spot, a.size(), b.size());
        budget.spend(a.enumerators().size() + b.enumerators().size());
        Map<String, Long> after = new LinkedHashMap<>();
        b.enumerators().forEach(e -> after.put(e.name(), e.value()));
        for (Enumerator enumerator : a.enumerators()) {
            Long value = after.remove(enumerator.name());
            if (value == null) {
                reportValue(
                        spot, Kind.ENUMERATOR_REMOVED, enumerator.name(), value(enumerator.value()), Optional.empty());
            } else if (value != enumerator.value()) {
                reportValue(spot, Kind.ENUMERATOR_VALUE, enumerator.name(), value(enumerator.value()), value(value));
            }
        }
        after.forEach((name, value) -> reportValue(spot, Kind.ENUMERATOR_ADDED, name, Optional.empty(), value(value)));
    }

    private static Optional<Place> value(long value) {
        return Optional.of(new Place(0, 0, Long.toString(value)));
    }

    private void resizedOrRetyped(Spot spot, int a, int b) {
        Kind kind = old.sizeOf(a) == now.sizeOf(b) ? Kind.RETYPED : Kind.RESIZED;
        report(spot, kind, place(spot, a, b, true), place(spot, a, b, false));
    }

    private Optional<Place> place(Spot spot, int a, int b, boolean before) {
        Btf btf = before ? old : now;
        int type = before ? a : b;
        long origin = before ? spot.oldOrigin : spot.newOrigin;
        return placeOf(btf, new Field("", 0, 0, type), origin);
    }

    private static Optional<Place> placeOf(Btf btf, Field field, long origin) {
        return Optional.of(new Place(origin + field.bitOffset(), field.bits(btf), TypeText.of(btf, field.type())));
    }

    private void reportValue(Spot spot, Kind kind, String name, Optional<Place> was, Optional<Place> is) {
        report(new Spot(spot.pair, name, 0, 0), kind, was, is);
    }

    private void report(Spot spot, Kind kind, Optional<Place> was, Optional<Place> is) {
        if (found.size() >= LayoutDiff.MAX_DIFFERENCES) {
            throw new Budget.Spent();
        }
        found.add(new LayoutDifference(spot.pair.label, spot.path, kind, was, is, spot.pair.ambiguous));
    }
}
