package io.kmolt.btf;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.BtfType.Member;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Compares what cannot be found by name: structures and unions that no named type leads to (the type of
 * {@code static struct { … } table[]} may be such, since BTF has no record of most variables), by the names of their
 * members; and the constants of enumerations without a name, each by its own.
 */
final class NamelessTypes {
    private static final int NAMES_IN_LABEL = 3;

    private final Btf old;
    private final Btf now;
    private final TypeMatch match;
    private final PairDiff pairs;
    private final Budget budget;

    NamelessTypes(Btf old, Btf now, TypeMatch match, PairDiff pairs, Budget budget) {
        this.old = old;
        this.now = now;
        this.match = match;
        this.pairs = pairs;
        this.budget = budget;
    }

    void compare(OwnedTypes before, OwnedTypes after) {
        orphans(before.orphans(), after.orphans());
        constants(before.constants(), after.constants());
    }

    /**
     * Equal ones belong together; one that has no equal is compared with the one that shares most names with it. A module
     * with many trace events has hundreds, so that equals are first looked for among those that read the same.
     */
    private void orphans(List<Integer> before, List<Integer> after) {
        Map<String, List<Integer>> byText = after.stream().collect(Collectors.groupingBy(b -> text(now, b)));
        Set<Integer> left = new LinkedHashSet<>(after);
        List<Integer> unmatched = new ArrayList<>();
        for (int a : before) {
            List<Integer> equals = equals(a, byText.getOrDefault(text(old, a), List.of()));
            equals.forEach(left::remove);
            if (equals.isEmpty()) {
                unmatched.add(a);
            }
        }
        List<Integer> lonely = new ArrayList<>();
        for (int a : unmatched) {
            List<Integer> equals = equals(a, after);
            equals.forEach(left::remove);
            if (equals.isEmpty()) {
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

    private List<Integer> equals(int a, List<Integer> candidates) {
        return candidates.stream().filter(b -> match.sameContents(a, b)).toList();
    }

    private String text(Btf btf, int id) {
        return Field.of(btf, id, budget).stream()
                .map(field -> "%d %s %s".formatted(field.bitOffset(), field.name(), TypeText.of(btf, field.type())))
                .collect(Collectors.joining("; "));
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

    private Set<String> memberNames(Btf btf, int id) {
        Set<String> names = new HashSet<>();
        Field.of(btf, id, budget).forEach(field -> names.add(field.name()));
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
