package io.kmolt.elf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** The modules of distribution kernels that tests read, from the cache outside the repository. */
public final class Corpus {
    public static final String BOOKWORM = "6.1.0-56-amd64";

    /** A hotfix upload before {@link #BOOKWORM}: all symbol CRCs agree. */
    public static final String BOOKWORM_BEFORE = "6.1.0-55-amd64";

    /** Of 6.12, with indirect branches tracked; its modules are compressed. */
    public static final String NEWER = "6.12.117+deb12-amd64";

    private Corpus() {}

    /** Every module of a kernel, sorted by path. */
    public static List<Path> modules(String version) {
        Path folder = present(version, "lib/modules/" + version);
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> modules = files.filter(p -> p.toString().matches(".*\\.ko(\\.xz)?"))
                    .sorted()
                    .toList();
            if (modules.size() < 1000) {
                throw new AssertionError(folder + " holds only " + modules.size() + " modules: run `make setup`");
            }
            return modules;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The boot image of a kernel. */
    public static Path image(String version) {
        return present(version, "boot/vmlinuz-" + version);
    }

    /** A kernel's build folder. */
    public static Path headers(String version) {
        return present(version, "usr/src/linux-headers-" + version);
    }

    private static Path present(String version, String what) {
        Path kernels = Optional.ofNullable(System.getenv("KMOLT_CACHE"))
                .map(Path::of)
                .orElse(Path.of(
                        Objects.requireNonNullElse(System.getenv("HOME"), System.getProperty("user.home")),
                        ".cache",
                        "kmolt"))
                .resolve("kernels");
        Path path = kernels.resolve(version).resolve(what);
        if (!Files.exists(path)) {
            throw new AssertionError("kernel " + version + " is not in " + kernels + ": run `make setup`");
        }
        return path;
    }

    /** The module of that name, as {@code ext4}. */
    public static Path module(String version, String name) {
        return modules(version).stream()
                .filter(p -> p.endsWith(name + ".ko") || p.endsWith(name + ".ko.xz"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("kernel " + version + " has no " + name + ".ko"));
    }
}
