package io.kmolt.btf;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/**
 * Where the types of two builds of a module differ.
 *
 * <ol>
 *   <li>The types that the module owns are grouped by tag or typedef name. A name that only one build knows is no
 *       difference; where it is used, the member that uses it is.
 *   <li>Each type is paired with the one of its name in the other build, be it in the split part there or in the base: an
 *       encoder moves a type to the base when it finds an equal one, and only then. Of several types of one name, equal
 *       ones belong together; what remains is paired with what is nearest, and marked ambiguous unless just one remains
 *       on each side.
 *   <li>Pairs are compared member by member ({@link PairDiff}), and so are the pairs that they embed by value, those of the
 *       bases included.
 *   <li>Types without any name that no named type leads to (the type of a variable may be such) are matched by their
 *       members, and the constants of enumerations without a name by theirs.
 * </ol>
 *
 * <p>A function of both arguments; the same input gives the same list in the same order. Bound: the members of each pair
 * once, and for a name that occurs n times in one build and m times in the other, n·m comparisons. Hard limit:
 * {@link #MAX_WORK} steps and {@link #MAX_DIFFERENCES} differences, which a compiler's output does not come near.
 */
public final class LayoutDiff {
    /** More than these are not listed: the two BTFs have nothing to do with each other. */
    public static final int MAX_DIFFERENCES = 100_000;

    private static final long MAX_WORK = 50_000_000;

    private final Btf old;
    private final Btf now;
    private final Scope scope;
    private final Budget budget = new Budget(MAX_WORK);
    private final TypeMatch match;
    private final PairDiff pairs;

    private LayoutDiff(Btf old, Btf now, Scope scope) {
        this.old = old;
        this.now = now;
        this.scope = scope;
        this.match = new TypeMatch(old, now, budget);
        this.pairs = new PairDiff(old, now, match, budget);
    }

    /**
     * Compares two builds.
     *
     * @return the differences, by type and within a type in the order of its members; empty if there is none
     * @throws BtfException if they are too complex to be compared, or differ in more than {@link #MAX_DIFFERENCES} ways
     */
    public static List<LayoutDifference> compare(Btf old, Btf now, Scope scope) throws BtfException {
        if (old.sameAs(now)) {
            return List.of();
        }
        try {
            return new LayoutDiff(old, now, scope).run();
        } catch (Budget.Spent spent) {
            throw new BtfException(old.name() + ", " + now.name(), "there are " + spent.getMessage(), spent);
        }
    }

    private List<LayoutDifference> run() {
        OwnedTypes oldTypes = OwnedTypes.of(old, scope, budget);
        OwnedTypes newTypes = OwnedTypes.of(now, scope, budget);
        for (String name : union(oldTypes, newTypes)) {
            List<Integer> before = candidates(old, oldTypes, name);
            List<Integer> after = candidates(now, newTypes, name);
            if (!before.isEmpty() && !after.isEmpty()) {
                pairUp(before, after);
            }
        }
        new NamelessTypes(old, now, match, pairs, budget).compare(oldTypes, newTypes);
        pairs.drain();
        return sorted(pairs.differences());
    }

    private static SortedSet<String> union(OwnedTypes some, OwnedTypes more) {
        SortedSet<String> names = new TreeSet<>(some.named().keySet());
        names.addAll(more.named().keySet());
        return names;
    }

    /** The types of that name in the split part, or else in the base. */
    private static List<Integer> candidates(Btf btf, OwnedTypes owned, String name) {
        List<Integer> ids = owned.named().get(name);
        return ids != null ? ids : OwnedTypes.inBase(btf, name);
    }

    private void pairUp(List<Integer> before, List<Integer> after) {
        if (before.size() == 1 && after.size() == 1) {
            pairs.add(before.getFirst(), after.getFirst(), false);
            return;
        }
        List<Integer> lonelyBefore = new ArrayList<>();
        Set<Integer> lonelyAfter = new LinkedHashSet<>(after);
        for (int a : before) {
            boolean met = false;
            for (int b : after) {
                if (match.sameDefinition(a, b)) {
                    lonelyAfter.remove(b);
                    met = true;
                }
            }
            if (!met) {
                lonelyBefore.add(a);
            }
        }
        List<Integer> oldLeft = distinct(old, lonelyBefore);
        List<Integer> newLeft = distinct(now, lonelyAfter);
        boolean ambiguous = oldLeft.size() != 1 || newLeft.size() != 1;
        for (int a : oldLeft) {
            pairs.add(a, nearest(newLeft.isEmpty() ? after : newLeft, b -> pairs.distance(a, b)), ambiguous);
        }
        if (oldLeft.isEmpty()) {
            for (int b : newLeft) {
                pairs.add(nearest(before, a -> pairs.distance(a, b)), b, true);
            }
        }
    }

    /** One of each: encoders leave equal types apart if one of them refers to something that the other cannot see. */
    private List<Integer> distinct(Btf btf, Collection<Integer> ids) {
        if (ids.size() < 2) {
            return List.copyOf(ids);
        }
        TypeMatch self = new TypeMatch(btf, btf, budget);
        List<Integer> distinct = new ArrayList<>();
        for (int id : ids) {
            if (distinct.stream().noneMatch(other -> self.sameDefinition(other, id))) {
                distinct.add(id);
            }
        }
        return distinct;
    }

    private static int nearest(List<Integer> choice, ToIntFunction<Integer> distance) {
        return choice.stream().min(Comparator.comparingInt(distance)).orElseThrow();
    }

    private static List<LayoutDifference> sorted(List<LayoutDifference> differences) {
        List<LayoutDifference> sorted = new ArrayList<>(differences);
        sorted.sort(Comparator.comparing(LayoutDifference::type));
        return List.copyOf(sorted);
    }
}
