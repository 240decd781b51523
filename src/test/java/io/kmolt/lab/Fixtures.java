package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

/** What tests/fixtures/build has made: modules for one release, that load on its neighbour as well, and programs. */
public final class Fixtures {
    /** The kernel that guests run: {@code -Dkmolt.kernel=RELEASE} runs the tests on another one. */
    public static final String RUNNING = System.getProperty("kmolt.kernel", "6.1.0-55-amd64");

    /** The release that modules were built for: of 6.1 the neighbour, whose modules have the same symbol versions. */
    public static final String RELEASE = RUNNING.startsWith("6.1.0-") ? "6.1.0-56-amd64" : RUNNING;

    private Fixtures() {}

    /** A build of a module that is swapped, or of the example. */
    public static Path module(String module, String variant) {
        return module(RELEASE, module, variant);
    }

    /** The same for another release. */
    public static Path module(String release, String module, String variant) {
        return built(release, module, variant, module + ".ko");
    }

    /** A module of tests/editions. */
    public static Path editions(String module) {
        return built(RELEASE, "editions", module + ".ko");
    }

    /** A module of tests/swaps. */
    public static Path swaps(String module) {
        return built(RELEASE, "swaps", module + ".ko");
    }

    /** A program of tests/load. */
    public static Path program(String name) {
        return built("bin", name);
    }

    private static Path built(String first, String... more) {
        Path file = KernelCache.ofUser().root().resolve("fixtures").resolve(Path.of(first, more));
        assertThat(file).as("made by tests/fixtures/build").exists();
        return file;
    }
}
