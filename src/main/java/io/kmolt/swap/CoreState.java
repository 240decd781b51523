package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a target's core tells in {@code /sys/kernel/kmolt}, as {@code docs/abi.md} describes it.
 *
 * @param loaded whether there is a core; if not, all else is empty or 0
 * @param version its version
 * @param abi its ABI
 * @param buildId its build-id
 * @param bootId the boot that it runs in
 * @param sequence number of the next edition
 * @param owner who has {@code /dev/kmolt} open, as a pid and a name; {@code none} if nobody has
 * @param modules the modules that it has a record of, by name
 * @param editions the loaded updates with editions of functions, by name
 * @param switches the named words that routes read
 */
public record CoreState(
        boolean loaded,
        String version,
        int abi,
        String buildId,
        String bootId,
        long sequence,
        String owner,
        List<SwappedModule> modules,
        List<LoadedEditions> editions,
        SortedMap<String, Long> switches) {

    /** Every file with its value, {@code ./PATH:VALUE}, in one go; a folder that goes meanwhile is left out. */
    private static final String QUESTION = """
            cd /sys/kernel/kmolt 2>/dev/null || exit 0
            echo "version:$(cat /sys/module/kmolt/version)"
            echo "note:$(od -An -v -tx1 /sys/module/kmolt/notes/.note.gnu.build-id 2>/dev/null | tr -d ' \\n')"
            grep -r '' . 2>/dev/null
            """;

    private static final String EDITIONS = "./editions/";

    public static CoreState ask(Target target) throws TargetException {
        return parse(target.run(QUESTION, Target.DEFAULT_TIMEOUT).stdout());
    }

    static CoreState parse(String text) {
        Map<String, String> root = new HashMap<>();
        Map<String, Map<String, String>> modules = new TreeMap<>();
        Map<String, Map<String, Map<String, String>>> editions = new HashMap<>();
        List<String> functions = new ArrayList<>();
        SortedMap<String, Long> switches = new TreeMap<>();
        for (String line : text.lines().toList()) {
            if (line.startsWith(EDITIONS)) {
                functions.add(line.substring(EDITIONS.length()));
                continue;
            }
            String[] pair = line.split(":", 2);
            String[] path = pair[0].replaceFirst("^\\./", "").split("/");
            String value = pair.length > 1 ? pair[1].strip() : "";
            switch (path.length) {
                case 1 -> root.put(path[0], value);
                case 2 -> switches.put(path[1], Long.parseLong(value));
                case 3 -> files(modules, path[1]).put(path[2], value);
                case 4 ->
                    files(editions.computeIfAbsent(path[1], m -> new TreeMap<>()), path[2])
                            .put(path[3], value);
                default -> {}
            }
        }
        List<SwappedModule> swapped = new ArrayList<>();
        modules.forEach((name, files) -> {
            List<LoadedEdition> found = new ArrayList<>();
            editions.getOrDefault(name, Map.of()).forEach((edition, its) -> found.add(LoadedEdition.of(edition, its)));
            swapped.add(SwappedModule.of(name, files, found));
        });
        return new CoreState(
                root.containsKey("abi"),
                root.getOrDefault("version", ""),
                Integer.parseInt(root.getOrDefault("abi", "0")),
                Core.buildId(root.getOrDefault("note", "")),
                root.getOrDefault("boot_id", ""),
                Long.parseLong(root.getOrDefault("sequence", "0")),
                root.getOrDefault("owner", ""),
                List.copyOf(swapped),
                LoadedEditions.parse(functions),
                switches);
    }

    private static Map<String, String> files(Map<String, Map<String, String>> folders, String name) {
        return folders.computeIfAbsent(name, n -> new HashMap<>());
    }

    /** The same core with a record of these modules only. */
    CoreState with(List<SwappedModule> others) {
        return new CoreState(loaded, version, abi, buildId, bootId, sequence, owner, others, editions, switches);
    }

    Optional<SwappedModule> module(String name) {
        return modules.stream().filter(m -> m.name().equals(name)).findFirst();
    }

    /** Who answers for a module: an edition or {@code base}. */
    String answers(String module) {
        return module(module).map(SwappedModule::current).orElse(SwappedModule.BASE);
    }

    /** The update of that name with editions of functions. */
    public Optional<LoadedEditions> editions(String name) {
        return editions.stream().filter(e -> e.name().equals(name)).findFirst();
    }

    /**
     * An edition of a build that was reverted and is still loaded, linked on what is called {@code from}, and on nothing
     * that is gone.
     */
    Optional<String> retired(String module, String buildId, String from) {
        return reverted(module).stream()
                .filter(e -> e.buildId().equals(buildId)
                        && e.previous().equals(from.isEmpty() ? "base" : from)
                        && e.passesOver() == 0)
                .map(LoadedEdition::name)
                .findFirst();
    }

    /** The editions of a module that were reverted and are still loaded, without those that nobody can be in. */
    List<LoadedEdition> reverted(String module) {
        return module(module).stream()
                .flatMap(m -> m.editions().stream())
                .filter(e -> e.state().equals("retired") && !e.stays().equals(LoadedEdition.DROPPED))
                .toList();
    }

    /** The editions of a module that were committed one after another and stand, the one that answers last. */
    List<LoadedEdition> chain(String module) {
        return module(module).map(SwappedModule::chain).orElse(List.of());
    }
}
