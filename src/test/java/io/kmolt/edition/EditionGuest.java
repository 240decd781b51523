package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.lab.Fixtures;
import io.kmolt.lab.Guest;
import io.kmolt.lab.Lab;
import io.kmolt.lab.LabOptions;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Progress;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** A guest whose functions get editions, from outside, by the calls that the commands make. */
final class EditionGuest implements AutoCloseable {
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final Duration TO_UNLOAD = Duration.ofSeconds(30);

    private final Guest guest;
    private final Path folder;

    private EditionGuest(Guest guest, Path folder) {
        this.guest = guest;
        this.folder = folder;
    }

    /** Boots one with the kernel that the fixtures are for. */
    static EditionGuest boot(LabOptions options) throws IOException {
        long begin = System.nanoTime();
        EditionGuest booted = new EditionGuest(
                Lab.start(options.withKernel(Fixtures.RELEASE)), Files.createTempDirectory("edition-guest-"));
        booted.target();
        System.out.printf("guest is up after %.1f s%n", (System.nanoTime() - begin) / 1e9);
        return booted;
    }

    Target target() throws IOException {
        return guest.target();
    }

    // What tests do.

    /** Compiles a file of {@code tests/editions/updates} or {@code examples/editions}, and loads it. */
    LoadEditions.Report load(String source) throws Exception {
        Path file = Path.of(System.getProperty("kmolt.home"), source);
        Path module = folder.resolve(file.getFileName() + ".ko");
        if (!Files.exists(module)) {
            EditionBuilder.ofHome().build(file, Corpus.headers(Fixtures.RELEASE), module);
        }
        return LoadEditions.run(target(), module, EditionGuest::image, Progress.NONE);
    }

    /** Puts routes in force that count. */
    Routing.Report route(String... functionsAndRoutes) throws Exception {
        return route(true, functionsAndRoutes);
    }

    Routing.Report route(boolean count, String... functionsAndRoutes) throws Exception {
        SequencedMap<String, String> wanted = new LinkedHashMap<>();
        for (int i = 0; i < functionsAndRoutes.length; i += 2) {
            wanted.put(functionsAndRoutes[i], functionsAndRoutes[i + 1]);
        }
        return Routing.run(target(), wanted, new Routing.Options(false, count), EditionGuest::image, Progress.NONE);
    }

    /** Unloads an update; afterwards no module of it is left. */
    void unload(String name) throws Exception {
        UnloadEditions.run(target(), name, TO_UNLOAD, EditionGuest::image, Progress.NONE);
        assertThat(modules("kmolt_" + name)).isEmpty();
    }

    /** Unloads all updates; calls are led to the originals first. */
    void unloadAll() throws Exception {
        for (LoadedEditions editions : CoreState.ask(target()).editions()) {
            unload(editions.name());
        }
    }

    private static Optional<Path> image(String release) {
        return release.equals(Fixtures.RELEASE) ? Optional.of(Corpus.image(release)) : Optional.empty();
    }

    /** Loads a module of tests/editions. */
    void insert(String module, String parameters) throws IOException {
        sh("insmod " + Fixtures.editions(module) + " " + parameters);
    }

    /** Loads one that is a livepatch, and waits until it has taken over. */
    void livepatch(String module, String parameters) throws IOException {
        insert(module, parameters);
        sh(
                "for i in $(seq 300); do [ $(cat /sys/kernel/livepatch/%1$s/transition) = 0 ] && exit 0; sleep 0.1; done; exit 1"
                        .formatted(module));
    }

    /** Disables and unloads it. */
    void unpatch(String module) throws IOException {
        sh(("echo 0 >/sys/kernel/livepatch/%1$s/enabled;"
                        + " for i in $(seq 300); do [ -e /sys/kernel/livepatch/%1$s ] || exec rmmod %1$s; sleep 0.1; done; exit 1")
                .formatted(module));
    }

    /** Runs a script that must succeed; returns what it prints. */
    String sh(String script) throws IOException {
        CommandResult result = attempt(script);
        assertThat(result.status())
                .as(script + "\n" + result.stdout() + result.stderr())
                .isZero();
        return result.stdout().strip();
    }

    /** Runs a script that may fail. */
    CommandResult attempt(String script) throws IOException {
        return target().run(script, LONG);
    }

    /** How a command begins that a user runs. */
    static String as(int user) {
        return user == 0 ? "" : "/usr/bin/setpriv --reuid=%1$d --regid=%1$d --clear-groups ".formatted(user);
    }

    // What the guest is like.

    /** Of the loaded modules those whose name begins so. */
    List<String> modules(String beginning) throws IOException {
        return sh("cut -d' ' -f1 /proc/modules")
                .lines()
                .filter(name -> name.startsWith(beginning))
                .sorted()
                .toList();
    }

    LoadedEditions editions(String name) throws IOException {
        return CoreState.ask(target()).editions(name).orElseThrow(() -> new AssertionError(name + " is not loaded"));
    }

    /** What the core tells of a function. */
    EditedFunction function(String update, String label) throws IOException {
        return editions(update).functions().stream()
                .filter(function -> function.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new AssertionError(label + " is none of " + update));
    }

    /** Where a symbol is, by its name and its module's; an empty one for the kernel proper. */
    long address(String module, String symbol) throws IOException {
        String found = sh("awk -v s='%s' -v m='%s' '$3 == s && $4 == m { print $1 }' /proc/kallsyms"
                .formatted(symbol, module.isEmpty() ? "" : "[" + module + "]"));
        assertThat(found).as(symbol + " of " + module).matches("[0-9a-f]{16}");
        return Long.parseUnsignedLong(found, 16);
    }

    /** The functions at whose entry ftrace calls somebody, with who that is. */
    String tracedFunctions() throws IOException {
        return sh("cat /sys/kernel/tracing/enabled_functions");
    }

    /** The kernel has complained of nothing since it booted. */
    void assertQuiet() {
        assertThat(guest.kernelWarnings()).as(guest.kernelLogExcerpt()).isEmpty();
        assertThat(guest.alive()).isTrue();
    }

    @Override
    public void close() throws IOException {
        guest.close();
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
