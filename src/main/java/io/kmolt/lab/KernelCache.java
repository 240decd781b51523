package io.kmolt.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Unpacked distribution kernels, one folder a version: {@code <cache>/kernels/<version>/{boot,lib,usr}} as in the
 * packages.
 *
 * @param root {@code $KMOLT_CACHE}, else {@code ~/.cache/kmolt}
 */
public record KernelCache(Path root) {
    /** The version that the lab boots when none is named. */
    public static final String DEFAULT_VERSION = "6.1.0-56-amd64";

    /** The cache of this user. */
    public static KernelCache ofUser() {
        String named = System.getenv("KMOLT_CACHE");
        return new KernelCache(
                named != null && !named.isEmpty()
                        ? Path.of(named).toAbsolutePath()
                        : Path.of(
                                Objects.requireNonNullElse(System.getenv("HOME"), System.getProperty("user.home")),
                                ".cache",
                                "kmolt"));
    }

    /** The kernels that can be booted, sorted. */
    public List<Kernel> kernels() throws IOException {
        Path folder = root.resolve("kernels");
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> versions = Files.list(folder)) {
            return versions.map(p -> kernel(String.valueOf(p.getFileName())))
                    .filter(Kernel::isComplete)
                    .sorted((a, b) -> a.version().compareTo(b.version()))
                    .toList();
        }
    }

    /**
     * A kernel that can be booted.
     *
     * @throws KernelMissingException when it was not fetched
     */
    public Kernel require(String version) throws KernelMissingException {
        Kernel kernel = kernel(version);
        if (!kernel.isComplete()) {
            throw new KernelMissingException(version, "the image");
        }
        return kernel;
    }

    /** A kernel, if it was fetched. */
    public Optional<Kernel> find(String version) {
        return Optional.of(kernel(version)).filter(Kernel::isComplete);
    }

    /** Where a version is, or would be. */
    Kernel kernel(String version) {
        return new Kernel(version, root.resolve("kernels").resolve(version));
    }
}
