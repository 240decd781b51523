package io.kmolt.btf;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.BtfType.Member;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Compares what cannot be found by name: structures and unions that nothing refers to (the type of
 * {@code static struct { … } table[]} may be such, since BTF has no record of most variables), by the names of their
 * members; and the constants of enumerations without a name, each by its own.
 */
final class NamelessTypes {
    private static final int NAMES_IN_LABEL = 3;

    private final Btf old;
    private final Btf now;
    private final TypeMatch match;
    private final PairDiff pairs;

    NamelessTypes(Btf old, Btf now, TypeMatch match, PairDiff pairs) {
        this.old = old;
        this.now = now;
        this.match = match;
        this.pairs = pairs;
    }

    void compare(OwnedTypes before, OwnedTypes after) {
        orphans(before.orphans(), after.orphans());
        constants(before.constants(), after.constants());
    }

    /** Equal ones belong together; one that has no equal is compared with the one that shares most names with it. */
    private void orphans(List<Integer> before, List<Integer> after) {
        List<Integer> left = new ArrayList<>(after);
        List<Integer> lonely = new ArrayList<>();
        for (int a : before) {
            if (!left.removeIf(b -> match.sameContents(a, b))
                    && after.stream().noneMatch(b -> match.sameContents(a, b))) {
                lonely.add(a);
            }
        }
        for (int a : lonely) {
            Set<String> names = memberNames(old, a);
            int best = 0;
            int nearest = 0;
            for (int b : left) {
                Set<String> shared = new HashSet<>(names);
                shared.retainAll(memberNames(now, b));
                if (shared.size() > best) {
                    best = shared.size();
                    nearest = b;
                }
            }
            if (best > 0) {
                pairs.addNameless(a, nearest, label(a), true);
            }
        }
    }

    private void constants(List<Integer> before, List<Integer> after) {
        Map<String, SortedSet<Long>> values = values(old, before);
        Map<String, SortedSet<Long>> others = values(now, after);
        values.forEach((name, set) -> {
            SortedSet<Long> other = others.get(name);
            if (other != null && !other.equals(set)) {
                pairs.reportConstant(name, set, other);
            }
        });
    }

    private static Map<String, SortedSet<Long>> values(Btf btf, List<Integer> enums) {
        Map<String, SortedSet<Long>> values = new TreeMap<>();
        for (int id : enums) {
            if (btf.type(id) instanceof BtfType.Enumeration type) {
                for (Enumerator e : type.enumerators()) {
                    values.computeIfAbsent(e.name(), _ -> new TreeSet<>()).add(e.value());
                }
            }
        }
        return values;
    }

    private static Set<String> memberNames(Btf btf, int id) {
        Set<String> names = new HashSet<>();
        Field.of(btf, id, new Budget(BtfGraph.MAX_UNFOLDED)).forEach(field -> names.add(field.name()));
        return names;
    }

    private String label(int id) {
        List<String> names = old.type(id) instanceof BtfType.Composite composite
                ? composite.members().stream().map(Member::name).toList()
                : List.of();
        String list = String.join(", ", names.subList(0, Math.min(names.size(), NAMES_IN_LABEL)));
        String keyword = old.kind(id) == BtfKind.UNION ? "union" : "struct";
        return "%s {%s%s}".formatted(keyword, list, names.size() > NAMES_IN_LABEL ? ", …" : "");
    }
}
