package io.kmolt.btf;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntConsumer;

/**
 * The types that a module owns, of one build.
 *
 * @param named tags and typedefs, by namespace and name: structures, unions and enumerations share one in C
 * @param orphans structures and unions without a name that no type with a name leads to
 * @param constants enumerations without a name
 */
record OwnedTypes(Map<String, List<Integer>> named, List<Integer> orphans, List<Integer> constants) {

    static OwnedTypes of(Btf btf, Scope scope, Budget budget) {
        budget.spend(btf.endId() - btf.firstOwnId());
        BitSet wanted = switch (scope) {
            case Scope.Owned _ -> everything(btf);
            case Scope.Reachable(var names) -> reachable(btf, named(btf, names), budget);
        };
        Map<String, List<Integer>> named = new TreeMap<>();
        List<Integer> constants = new ArrayList<>();
        BitSet tagged = new BitSet();
        BitSet nameless = new BitSet();
        for (int id = wanted.nextSetBit(0); id >= 0; id = wanted.nextSetBit(id + 1)) {
            BtfType type = btf.type(id);
            Optional<String> key = key(type);
            if (key.isPresent()) {
                named.computeIfAbsent(key.get(), _ -> new ArrayList<>()).add(id);
                tagged.set(id);
            } else if (type instanceof BtfType.Enumeration) {
                constants.add(id);
            } else if (type instanceof BtfType.Composite) {
                nameless.set(id);
            }
        }
        return new OwnedTypes(named, orphans(btf, tagged, nameless, budget), constants);
    }

    /** Those nameless types that no named one leads to, and no other nameless one. */
    private static List<Integer> orphans(Btf btf, BitSet tagged, BitSet nameless, Budget budget) {
        BitSet orphans = (BitSet) nameless.clone();
        orphans.andNot(reachable(btf, tagged, budget));
        BitSet inner = new BitSet();
        BitSet candidates = (BitSet) orphans.clone();
        candidates.stream().forEach(id -> references(btf.type(id), inner::set));
        orphans.andNot(reachable(btf, inner, budget));
        // Nameless types that lead to each other in a circle, which no compiler makes, are all orphans.
        candidates.andNot(reachable(btf, orphans, budget));
        orphans.or(candidates);
        return orphans.stream().boxed().toList();
    }

    /** The types that the base has under a key of {@link #named}. */
    static List<Integer> inBase(Btf btf, String key) {
        String name = key.substring(key.indexOf(' ') + 1);
        return btf.base().stream()
                .flatMap(base -> base.ids(name).stream())
                .filter(id -> key(btf.type(id)).equals(Optional.of(key)))
                .toList();
    }

    private static Optional<String> key(BtfType type) {
        if (type.name().isEmpty()) {
            return Optional.empty();
        }
        return switch (type) {
            case BtfType.Composite c -> Optional.of("tag " + c.name());
            case BtfType.Enumeration e -> Optional.of("tag " + e.name());
            case BtfType.Typedef t -> Optional.of("typedef " + t.name());
            default -> Optional.empty();
        };
    }

    private static BitSet everything(Btf btf) {
        BitSet all = new BitSet();
        all.set(btf.firstOwnId(), btf.endId());
        return all;
    }

    private static BitSet named(Btf btf, Iterable<String> labels) {
        BitSet ids = new BitSet();
        for (String label : labels) {
            btf.ownIds(label.substring(label.indexOf(' ') + 1)).stream()
                    .filter(id -> PairDiff.label(btf, id).equals(label))
                    .forEach(ids::set);
        }
        return ids;
    }

    /** The own types that these lead to, themselves included. */
    private static BitSet reachable(Btf btf, BitSet seeds, Budget budget) {
        BitSet reached = new BitSet();
        Deque<Integer> open = new ArrayDeque<>();
        IntConsumer visit = id -> {
            if (btf.owns(id) && !reached.get(id)) {
                reached.set(id);
                open.add(id);
            }
        };
        seeds.stream().forEach(visit);
        for (Integer next = open.poll(); next != null; next = open.poll()) {
            budget.spend(1);
            references(btf.type(next), visit);
        }
        return reached;
    }

    private static void references(BtfType type, IntConsumer each) {
        switch (type) {
            case BtfType.Ptr p -> each.accept(p.target());
            case BtfType.Typedef t -> each.accept(t.target());
            case BtfType.Qualifier q -> each.accept(q.target());
            case BtfType.Array a -> each.accept(a.element());
            case BtfType.Composite c -> c.members().forEach(m -> each.accept(m.type()));
            case BtfType.Func f -> each.accept(f.proto());
            case BtfType.FuncProto f -> {
                each.accept(f.result());
                f.parameters().forEach(p -> each.accept(p.type()));
            }
            case BtfType.Var v -> each.accept(v.target());
            case BtfType.DataSec d -> d.entries().forEach(e -> each.accept(e.variable()));
            case BtfType.VoidType _,
                    BtfType.Int _,
                    BtfType.Enumeration _,
                    BtfType.Fwd _,
                    BtfType.Floating _,
                    BtfType.DeclTag _ -> {}
        }
    }
}
