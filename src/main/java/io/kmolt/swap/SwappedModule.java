package io.kmolt.swap;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.TreeMap;

/**
 * A module that a target's core has a record of.
 *
 * @param name the module
 * @param current who answers now: an edition, or {@code base}
 * @param buildId build-id of the edition that answers; {@code base} if none does
 * @param version its MODULE_VERSION
 * @param srcversion its srcversion
 * @param commits how often it was committed to
 * @param since when that was done last, in seconds since 1970; 0 if never
 * @param by who did: process, user and name of the process; empty if nobody
 * @param editions its editions: first those that were committed one after another and stand, the one that answers last;
 *     then those that do not take part
 */
public record SwappedModule(
        String name,
        String current,
        String buildId,
        String version,
        String srcversion,
        long commits,
        long since,
        String by,
        List<LoadedEdition> editions) {
    static final String BASE = "base";

    /** From the files of its folder in sysfs. */
    static SwappedModule of(String name, Map<String, String> files, List<LoadedEdition> editions) {
        String current = files.getOrDefault("current", BASE);
        SequencedSet<LoadedEdition> sorted = new LinkedHashSet<>(chain(current, editions));
        editions.stream().sorted(Comparator.comparing(LoadedEdition::name)).forEach(sorted::add);
        return new SwappedModule(
                name,
                current,
                files.getOrDefault("build_id", BASE),
                files.getOrDefault("version", BASE),
                files.getOrDefault("srcversion", BASE),
                Long.parseLong(files.getOrDefault("commits", "0")),
                Long.parseLong(files.getOrDefault("since", "0")),
                files.getOrDefault("since", "0").equals("0") ? "" : files.getOrDefault("by", ""),
                List.copyOf(sorted));
    }

    /** A module that has no editions. */
    static SwappedModule none(String name) {
        return of(name, Map.of(), List.of());
    }

    /** The editions that were committed one after another and stand, the one that answers last. */
    public List<LoadedEdition> chain() {
        return chain(current, editions);
    }

    /** Build-id of what a revert makes answer; empty if that is the base, which the core has no record of. */
    String previousBuildId() {
        List<LoadedEdition> chain = chain();
        return chain.size() < 2 ? "" : chain.get(chain.size() - 2).buildId();
    }

    private static List<LoadedEdition> chain(String current, List<LoadedEdition> editions) {
        Map<String, LoadedEdition> open = new TreeMap<>();
        editions.forEach(e -> open.put(e.name(), e));
        List<LoadedEdition> chain = new ArrayList<>();
        LoadedEdition edition = open.remove(current);
        while (edition != null) {
            chain.addFirst(edition);
            edition = open.remove(edition.previous());
        }
        return chain;
    }
}
