package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;

/**
 * Two builds of a module side by side.
 *
 * @param oldModule the build that answers now
 * @param newModule the build that is to answer
 * @param correlation which item is which
 * @param functions what became of each function of the old build
 * @param objects what became of each object of the old build
 * @param newFunctions functions that only the new build has
 * @param newObjects objects that only the new build has
 * @param words for each object of the new build that continues one of the old build in the same size: its words that are
 *     not the same number in both builds
 * @param escaping functions of the old build whose address is stored where a swap cannot reach it, or may be
 * @param tabled functions of the old build that stand in tables which a swap rewrites
 * @param exported names that the old build exports
 * @param counterparts for each reference of the new build that stands in code or data of the same shape as in the old
 *     build: what stands in its place there
 * @param lines what is known of line numbers in their code
 * @param sameReferent whether what a reference of the old build means is what one of the new build means
 * @param others in what else the builds differ, of all that the kernel loads
 * @param refusals why the new build must not take over; empty if it may
 */
public record Comparison(
        KernelModule oldModule,
        KernelModule newModule,
        Correlation correlation,
        Map<Item, Change> functions,
        Map<Item, Change> objects,
        List<Item> newFunctions,
        List<Item> newObjects,
        Map<Item, List<WordPair>> words,
        Set<Item> escaping,
        Set<Item> tabled,
        Set<String> exported,
        Map<Place, Reference> counterparts,
        LineNumbers lines,
        BiPredicate<Reference, Reference> sameReferent,
        List<Difference> others,
        List<Refusal> refusals) {

    /**
     * A place in a file.
     *
     * @param section index of the section
     * @param offset offset in it
     */
    public record Place(int section, long offset) {}

    /** What became of an item. */
    public enum Change {
        SAME,
        CHANGED,
        GONE
    }

    /** Items with a change, by name. */
    public static List<Item> with(Map<Item, Change> items, Change change) {
        return items.entrySet().stream()
                .filter(e -> e.getValue() == change)
                .map(Map.Entry::getKey)
                .sorted(Comparator.comparing(Item::name))
                .toList();
    }

    /** Whether code and data are the same in both builds. */
    public boolean isSame() {
        return functions.values().stream().allMatch(c -> c == Change.SAME)
                && objects.values().stream().allMatch(c -> c == Change.SAME)
                && newFunctions.isEmpty()
                && newObjects.isEmpty()
                && others.isEmpty();
    }

    /** The same with other reasons against a swap. */
    public Comparison withRefusals(List<Refusal> other) {
        return new Comparison(
                oldModule,
                newModule,
                correlation,
                functions,
                objects,
                newFunctions,
                newObjects,
                words,
                escaping,
                tabled,
                exported,
                counterparts,
                lines,
                sameReferent,
                others,
                other);
    }

    public Verdict verdict() {
        return Verdict.of(refusals);
    }

    /** Whether a function of the old build does something else in the new one, or is not there. */
    public boolean isChanged(Item oldFunction) {
        return functions.get(oldFunction) != Change.SAME;
    }
}
