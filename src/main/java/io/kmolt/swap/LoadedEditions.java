package io.kmolt.swap;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A loaded update with editions of functions.
 *
 * @param name what people call it
 * @param module its update module
 * @param routes the module with the dispatchers in force, or {@code none}
 * @param functions the functions that have editions in it, by label
 */
public record LoadedEditions(String name, String module, String routes, List<EditedFunction> functions) {
    private static final Pattern GROUP = Pattern.compile("([^/]+)/(module|routes):(.*)");
    /** A label may have a colon in it, as a module's function has. */
    private static final Pattern FUNCTION = Pattern.compile("([^/]+)/([^/]+)/(state|route|shared):(.*)");

    private static final Pattern HITS = Pattern.compile("([^/]+)/([^/]+)/(\\d+)/hits:(\\d+)");

    /**
     * A function that has editions.
     *
     * @param label what people call it
     * @param state "original", "routed", or "gone" (with its module)
     * @param route the route in force; {@code 0} for none
     * @param shared whether another user of ftrace was met at its entry
     * @param hits calls by number of the edition, 0 for the original; as far as routes counted them
     */
    public record EditedFunction(
            String label, String state, String route, boolean shared, SortedMap<Integer, Long> hits) {

        static EditedFunction of(String label, Map<String, String> files, SortedMap<Integer, Long> hits) {
            return new EditedFunction(
                    label,
                    files.getOrDefault("state", ""),
                    files.getOrDefault("route", "0"),
                    files.getOrDefault("shared", "0").equals("1"),
                    hits);
        }
    }

    /** From lines {@code PATH:VALUE} of the files below {@code editions}. */
    static List<LoadedEditions> parse(List<String> lines) {
        SortedMap<String, Map<String, String>> groups = new TreeMap<>();
        Map<String, SortedMap<String, Map<String, String>>> functions = new TreeMap<>();
        Map<String, SortedMap<Integer, Long>> hits = new TreeMap<>();
        for (String line : lines) {
            Matcher group = GROUP.matcher(line);
            Matcher function = FUNCTION.matcher(line);
            Matcher hit = HITS.matcher(line);
            if (group.matches()) {
                groups.computeIfAbsent(group.group(1), g -> new TreeMap<>()).put(group.group(2), group.group(3));
            } else if (hit.matches()) {
                hits.computeIfAbsent(hit.group(1) + "/" + hit.group(2), f -> new TreeMap<>())
                        .put(Integer.valueOf(hit.group(3)), Long.valueOf(hit.group(4)));
            } else if (function.matches()) {
                functions
                        .computeIfAbsent(function.group(1), g -> new TreeMap<>())
                        .computeIfAbsent(function.group(2), f -> new TreeMap<>())
                        .put(function.group(3), function.group(4));
            }
        }
        List<LoadedEditions> all = new ArrayList<>();
        groups.forEach((name, files) -> {
            List<EditedFunction> edited = new ArrayList<>();
            functions
                    .getOrDefault(name, new TreeMap<>())
                    .forEach((label, its) -> edited.add(
                            EditedFunction.of(label, its, hits.getOrDefault(name + "/" + label, new TreeMap<>()))));
            all.add(new LoadedEditions(
                    name, files.getOrDefault("module", ""), files.getOrDefault("routes", "none"), List.copyOf(edited)));
        });
        return List.copyOf(all);
    }
}
