package io.kmolt.kernels;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Verdict;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What differs between the packages of two kernels.
 *
 * @param oldPackage what the one is called
 * @param newPackage what the other is called
 * @param modules modules that both have
 * @param unchanged those of them whose code, data and types are the same
 * @param otherSymbols those of the unchanged that import or export a symbol with another CRC
 * @param changed the modules that differ, by name
 * @param added modules that only the new package has
 * @param gone modules that only the old package has
 * @param unhandled modules that kmolt failed to compare
 */
public record PackageReport(
        String oldPackage,
        String newPackage,
        int modules,
        int unchanged,
        int otherSymbols,
        List<ModuleChange> changed,
        List<String> added,
        List<String> gone,
        List<Unhandled> unhandled) {

    /**
     * A module that kmolt failed to compare.
     *
     * @param module its name
     * @param problem why
     */
    public record Unhandled(String module, String problem) {}

    /** In how many modules a rule speaks against a swap. */
    public record Reason(Refusal.Kind kind, int modules) {}

    /** How many of the changed modules have this verdict. */
    public int count(Verdict verdict) {
        return (int) changed.stream().filter(m -> m.verdict() == verdict).count();
    }

    /** The rules that speak against swaps of changed modules with that verdict, the most frequent first. */
    public List<Reason> reasons(Verdict verdict) {
        Map<Refusal.Kind, Integer> counts = new EnumMap<>(Refusal.Kind.class);
        changed.stream()
                .filter(module -> module.verdict() == verdict)
                .forEach(module -> module.reasons().keySet().forEach(kind -> counts.merge(kind, 1, Integer::sum)));
        return counts.entrySet().stream()
                .map(entry -> new Reason(entry.getKey(), entry.getValue()))
                .sorted(Comparator.comparingInt(Reason::modules).reversed().thenComparing(Reason::kind))
                .toList();
    }
}
