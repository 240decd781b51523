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
 * @param orphans structures and unions without a name that nothing refers to
 * @param constants enumerations without a name
 */
record OwnedTypes(Map<String, List<Integer>> named, List<Integer> orphans, List<Integer> constants) {

    static OwnedTypes of(Btf btf, Scope scope, Budget budget) {
        budget.spend(btf.endId() - btf.firstOwnId());
        BitSet wanted = switch (scope) {
            case Scope.Owned _ -> everything(btf);
            case Scope.Reachable(var names) -> reachable(btf, names, budget);
        };
        Map<String, List<Integer>> named = new TreeMap<>();
        List<Integer> constants = new ArrayList<>();
        List<Integer> nameless = new ArrayList<>();
        BitSet used = new BitSet();
        for (int id = wanted.nextSetBit(0); id >= 0; id = wanted.nextSetBit(id + 1)) {
            BtfType type = btf.type(id);
            references(type, used::set);
            key(type)
                    .ifPresent(key ->
                            named.computeIfAbsent(key, _ -> new ArrayList<>()).add(type.id()));
            if (type.name().isEmpty() && type instanceof BtfType.Enumeration) {
                constants.add(id);
            } else if (type.name().isEmpty() && type instanceof BtfType.Composite) {
                nameless.add(id);
            }
        }
        return new OwnedTypes(
                named, nameless.stream().filter(id -> !used.get(id)).toList(), constants);
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

    private static BitSet reachable(Btf btf, Iterable<String> names, Budget budget) {
        BitSet reached = new BitSet();
        Deque<Integer> open = new ArrayDeque<>();
        for (String name : names) {
            for (int id : btf.ownIds(name.substring(name.indexOf(' ') + 1))) {
                if (PairDiff.label(btf, id).equals(name) && !reached.get(id)) {
                    reached.set(id);
                    open.add(id);
                }
            }
        }
        for (Integer next = open.poll(); next != null; next = open.poll()) {
            budget.spend(1);
            references(btf.type(next), id -> {
                if (btf.owns(id) && !reached.get(id)) {
                    reached.set(id);
                    open.add(id);
                }
            });
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
