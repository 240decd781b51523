package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.lab.Fixtures;
import io.kmolt.route.RouteException;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.LoadRun;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapGuest;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/** A guest under load whose functions get editions, from outside, by the calls that the commands make. */
final class BusyGuest implements AutoCloseable {
    /** The kernel that guests run: the one that the modules of tests/editions were built for. */
    static final String RELEASE = Fixtures.RELEASE;

    private static final String EDITIONS = "/sys/kernel/kmolt/editions";
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final SwapGuest guest;

    BusyGuest(SwapGuest guest) {
        this.guest = guest;
    }

    /**
     * Boots one.
     *
     * @param append words for the kernel command line
     */
    static BusyGuest boot(String append) throws IOException {
        return new BusyGuest(SwapGuest.boot(RELEASE, append));
    }

    SwapGuest guest() {
        return guest;
    }

    Target target() throws IOException {
        return guest.target();
    }

    /** Runs a script that must succeed; returns what it prints. */
    String sh(String script) throws IOException {
        return guest.sh(script);
    }

    // Editions.

    /** Compiles a file of tests/editions/updates or of examples/editions. */
    static Path build(String name, Path folder) throws EditionException, IOException {
        Path home = Path.of(System.getProperty("kmolt.home"));
        Path own = home.resolve("tests/editions/updates").resolve(name + ".c");
        Path source =
                own.toFile().exists() ? own : home.resolve("examples/editions").resolve(name + ".c");
        return build(source, folder.resolve(name + ".ko"));
    }

    /** Compiles a file. */
    static Path buildFile(Path source) throws EditionException, IOException {
        return build(source, source.resolveSibling(source.getFileName() + ".ko"));
    }

    private static Path build(Path source, Path out) throws EditionException, IOException {
        EditionBuilder.Built built = EditionBuilder.ofHome().build(source, Corpus.headers(RELEASE), out);
        assertThat(built.messages()).as("compiling " + source).isEmpty();
        return built.module();
    }

    LoadEditions.Report load(Path file) throws IOException, EditionException, SwapException {
        return LoadEditions.run(target(), file, SwapGuest::image, Progress.NONE);
    }

    UnloadEditions.Report unload(String name) throws IOException, EditionException, SwapException {
        return unload(name, TIMEOUT);
    }

    UnloadEditions.Report unload(String name, Duration timeout) throws IOException, EditionException, SwapException {
        return unload(target(), name, timeout);
    }

    static UnloadEditions.Report unload(Target target, String name)
            throws IOException, EditionException, SwapException {
        return unload(target, name, TIMEOUT);
    }

    private static UnloadEditions.Report unload(Target target, String name, Duration timeout)
            throws IOException, EditionException, SwapException {
        return UnloadEditions.run(target, name, timeout, SwapGuest::image, Progress.NONE);
    }

    /** Routes functions, with counting: pairs of a label and a route. */
    Routing.Report route(String... pairs) throws IOException, RouteException, EditionException, SwapException {
        return route(target(), pairs);
    }

    static Routing.Report route(Target target, String... pairs)
            throws IOException, RouteException, EditionException, SwapException {
        SequencedMap<String, String> routes = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            routes.put(pairs[i], pairs[i + 1]);
        }
        return Routing.run(target, routes, new Routing.Options(false, true), SwapGuest::image, Progress.NONE);
    }

    void set(String word, long value) throws IOException, SwapException {
        SwitchWord.set(target(), word, value);
    }

    /** Keeps pipes busy with one pair of processes, which leave the tool its share of the processors. */
    LoadRun pipeLoad() throws Exception {
        LoadRun load = LoadRun.start(guest, "--pipes --procs 2");
        sh("/usr/bin/renice -n 19 $(pidof kmolt-load)");
        return load;
    }

    // What the guest is like.

    LoadedEditions editions(String name) throws IOException {
        return CoreState.ask(target()).editions(name).orElseThrow();
    }

    EditedFunction function(String update, String label) throws IOException {
        return editions(update).functions().stream()
                .filter(function -> function.label().equals(label))
                .findFirst()
                .orElseThrow();
    }

    /** The calls that were led to an edition of a function, 0 for the original. */
    long hits(String update, String label, int number) throws IOException {
        return Long.parseLong(target().readText("%s/%s/%s/%d/hits".formatted(EDITIONS, update, label, number)));
    }

    /** A variable of an update that it shows as a parameter. */
    String variable(String update, String name) throws IOException {
        return target().readText("/sys/module/kmolt_" + update + "/parameters/" + name);
    }

    long number(String update, String name) throws IOException {
        return Long.parseLong(variable(update, name));
    }

    boolean isLoaded(String module) throws IOException {
        return target().exists("/sys/module/" + module);
    }

    /** Modules that use the core. */
    String users() throws IOException {
        return sh("ls /sys/module/kmolt/holders");
    }

    /** No module uses the core, no call is led anywhere, nobody holds the device, the kernel has not complained. */
    void assertNothingLeft() throws IOException {
        assertThat(users()).isEmpty();
        assertThat(sh("cat /sys/module/kmolt/refcnt; cat /sys/kernel/kmolt/owner; ls " + EDITIONS))
                .isEqualTo("0\nnone");
        assertThat(sh("cat /sys/kernel/tracing/enabled_functions")).isEmpty();
        guest.assertQuiet();
    }

    /** Unloads what a test left, so that the next one begins afresh. */
    void clear() throws IOException, EditionException, SwapException {
        for (LoadedEditions editions : CoreState.ask(target()).editions()) {
            unload(editions.name());
        }
    }

    @Override
    public void close() throws IOException {
        guest.close();
    }
}
