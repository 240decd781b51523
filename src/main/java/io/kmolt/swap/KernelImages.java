package io.kmolt.swap;

import java.nio.file.Path;
import java.util.Optional;

/** Finds the boot images of kernels, which hold the types that modules were built with. */
@FunctionalInterface
public interface KernelImages {
    /**
     * The image of a kernel.
     *
     * @param release as in {@code uname -r}
     */
    Optional<Path> find(String release);
}
