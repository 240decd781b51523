package io.kmolt.kernels;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Twins;
import io.kmolt.diff.Verdict;
import io.kmolt.module.Item;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A module that is not the same in two packages, in short.
 *
 * @param module its name
 * @param verdict what a swap from one to the other would need
 * @param functions functions of which the code differs
 * @param types types that the module owns, and whose layout differs
 * @param data variables and tables that differ
 * @param reasons for each rule that speaks against a swap, how often it does
 * @param examples for each of these rules, one reason
 */
public record ModuleChange(
        String module,
        Verdict verdict,
        Names functions,
        List<String> types,
        Names data,
        Map<Refusal.Kind, Integer> reasons,
        List<Refusal> examples) {

    private static final Set<Refusal.Kind> OF_OTHERS =
            Set.of(Refusal.Kind.SYMBOL_VERSION, Refusal.Kind.EXPORT, Refusal.Kind.OTHER_KERNEL);

    /** Names of items, by what became of them. */
    public record Names(List<String> changed, List<String> added, List<String> gone) {
        boolean isEmpty() {
            return changed.isEmpty() && added.isEmpty() && gone.isEmpty();
        }
    }

    static ModuleChange of(Comparison comparison) {
        Twins twins = Twins.of(comparison);
        Map<Refusal.Kind, Integer> reasons = new EnumMap<>(Refusal.Kind.class);
        List<Refusal> examples = new ArrayList<>();
        for (Refusal refusal : comparison.refusals()) {
            if (reasons.merge(refusal.kind(), 1, Integer::sum) == 1) {
                examples.add(refusal);
            }
        }
        return new ModuleChange(
                comparison.newModule().name(),
                comparison.verdict(),
                new Names(
                        names(Comparison.with(comparison.functions(), Change.CHANGED)),
                        names(twins.without(comparison.newFunctions())),
                        names(twins.without(Comparison.with(comparison.functions(), Change.GONE)))),
                comparison.refusals().stream()
                        .filter(r -> r.kind() == Refusal.Kind.TYPE_LAYOUT)
                        .map(Refusal::subject)
                        .distinct()
                        .sorted()
                        .toList(),
                new Names(
                        names(Comparison.with(comparison.objects(), Change.CHANGED)),
                        names(twins.without(comparison.newObjects())),
                        names(twins.without(Comparison.with(comparison.objects(), Change.GONE)))),
                reasons,
                List.copyOf(examples));
    }

    private static List<String> names(List<Item> items) {
        return items.stream().map(Item::name).sorted().toList();
    }

    /**
     * Whether the module is the same: code, data and types. Symbols of other modules or of the kernel may have another
     * CRC, and so may those that it exports: types of others have changed; and these may have other numbers.
     */
    boolean isNothing() {
        return functions.isEmpty() && types.isEmpty() && data.isEmpty() && OF_OTHERS.containsAll(reasons.keySet());
    }

    /** Whether symbols that it imports or exports have another CRC. */
    boolean hasOtherSymbols() {
        return reasons.containsKey(Refusal.Kind.SYMBOL_VERSION) || reasons.containsKey(Refusal.Kind.EXPORT);
    }
}
