package io.kmolt.swap;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * A module as it is loaded on a target.
 *
 * @param name its name
 * @param target where
 * @param state as {@code /proc/modules} says: {@code Live}, {@code Loading}, {@code Unloading}
 * @param size in memory, in bytes
 * @param references how often it is in use; {@code -} if the kernel does not count
 * @param holders the modules that use it
 * @param base the build that was loaded
 * @param current the build that answers now
 * @param commits how often it was swapped or reverted
 * @param editions its editions, as in {@link SwappedModule#editions}
 * @param installed what modprobe would load
 */
public record LoadedModule(
        String name,
        String target,
        String state,
        long size,
        String references,
        List<String> holders,
        Build base,
        Build current,
        long commits,
        List<LoadedEdition> editions,
        InstalledFile installed) {

    /**
     * A build of the module.
     *
     * @param who {@code base} or an edition
     * @param buildId its build-id
     * @param version its MODULE_VERSION; may be empty
     * @param srcversion its srcversion; may be empty
     */
    public record Build(String who, String buildId, String version, String srcversion) {}

    /**
     * The file that modprobe would load.
     *
     * @param path empty if there is none
     * @param buildId its build-id
     * @param isBase whether it is the build that was loaded
     * @param isCurrent whether it is the build that answers now
     * @param problem why that cannot be told; empty if it can
     */
    public record InstalledFile(String path, String buildId, boolean isBase, boolean isCurrent, String problem) {}

    /** Prints a name and a value a line, for {@link Vitals#parse}; {@code MODULE} stands for the name. */
    private static final String QUESTION = """
            echo "line $(grep '^MODULE ' /proc/modules)"
            cd /sys/module/MODULE 2>/dev/null || exit 0
            [ -e version ] && echo "version $(cat version)"
            [ -e srcversion ] && echo "srcversion $(cat srcversion)"
            echo "note $(od -An -v -tx1 notes/.note.gnu.build-id 2>/dev/null | tr -d ' \\n')"
            echo "file $(modinfo -n MODULE 2>/dev/null)"
            """;

    /**
     * Looks at a module.
     *
     * @throws SwapException if it is not loaded
     */
    public static LoadedModule of(Target target, String moduleName) throws IOException, SwapException {
        String module = ModuleName.check(moduleName);
        Vitals answer = Vitals.parse(target.run(QUESTION.replace("MODULE", module), Target.DEFAULT_TIMEOUT)
                .stdout());
        if (answer.get("line").isEmpty()) {
            throw notLoaded(target, module);
        }
        // NAME SIZE REFERENCES HOLDERS STATE ADDRESS (kernel/module/procfs.c)
        String[] words = answer.get("line").split(" ");
        Build base = new Build(
                SwappedModule.BASE, Core.buildId(answer.get("note")), answer.get("version"), answer.get("srcversion"));
        SwappedModule swapped = CoreState.ask(target).module(module).orElseGet(() -> SwappedModule.none(module));
        Build current = swapped.current().equals(SwappedModule.BASE)
                ? base
                : new Build(swapped.current(), swapped.buildId(), swapped.version(), swapped.srcversion());
        return new LoadedModule(
                module,
                target.describe(),
                words[4],
                Long.parseLong(words[1]),
                words[2],
                words[3].equals("-") ? List.of() : Arrays.asList(words[3].split(",")),
                base,
                current,
                swapped.commits(),
                swapped.editions(),
                installed(target, answer.get("file"), base, current));
    }

    private static InstalledFile installed(Target target, String path, Build base, Build current) throws IOException {
        if (!path.startsWith("/")) {
            return new InstalledFile("", "", false, false, "modprobe finds no file for it");
        }
        try {
            String buildId = ElfObject.parse(path, Compressed.expand(path, target.readFile(path)))
                    .buildId()
                    .map(HexFormat.of()::formatHex)
                    .orElse("");
            return new InstalledFile(
                    path, buildId, buildId.equals(base.buildId()), buildId.equals(current.buildId()), "");
        } catch (ElfException e) {
            return new InstalledFile(path, "", false, false, e.problem());
        }
    }

    /** Refuses a module that is not loaded. */
    static void requireLoaded(Target target, String module) throws IOException, SwapException {
        if (!target.exists("/sys/module/" + module + "/sections")) {
            throw notLoaded(target, module);
        }
    }

    private static SwapException notLoaded(Target target, String module) {
        return SwapException.unfit("module " + module + " is not loaded on " + target.describe());
    }
}
