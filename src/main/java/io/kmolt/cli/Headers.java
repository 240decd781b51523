package io.kmolt.cli;

import io.kmolt.lab.Kernel;
import io.kmolt.lab.KernelCache;
import io.kmolt.lab.KernelMissingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Where the headers of kernels are on this machine: installed, or among those that the lab fetched. */
final class Headers {
    private Headers() {}

    /**
     * A kernel's build folder.
     *
     * @param release as in {@code uname -r}
     * @throws KernelMissingException if there is none
     */
    static Path find(String release) throws KernelMissingException {
        Kernel fetched = new Kernel(
                release, KernelCache.ofUser().root().resolve("kernels").resolve(release));
        return Stream.of(
                        fetched.headers(),
                        Path.of("/lib/modules", release, "build"),
                        Path.of("/usr/src/linux-headers-" + release))
                .filter(folder -> Files.isRegularFile(folder.resolve("Makefile")))
                .findFirst()
                .orElseThrow(() -> new KernelMissingException(release, "the headers package"));
    }
}
