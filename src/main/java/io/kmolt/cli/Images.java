package io.kmolt.cli;

import io.kmolt.lab.KernelCache;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Where kernel images are on this machine: among those that the lab fetched, or installed. */
final class Images {
    private Images() {}

    static Optional<Path> find(String release) {
        String name = "vmlinuz-" + release;
        Path cached = KernelCache.ofUser().root().resolve("kernels").resolve(release);
        return Stream.of(cached.resolve("boot").resolve(name), Path.of("/boot", name))
                .filter(Files::isRegularFile)
                .findFirst();
    }
}
