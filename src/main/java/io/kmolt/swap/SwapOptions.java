package io.kmolt.swap;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How to swap.
 *
 * @param dryRun link and compare, change nothing
 * @param timeout how long to wait for tasks that are in the way
 * @param base the file that the module was loaded from, if it is not where modprobe finds it
 * @param images finds kernel images, for their types
 * @param saveUpdate where to save the update module, for a look at it
 */
public record SwapOptions(
        boolean dryRun, Duration timeout, Optional<Path> base, KernelImages images, Optional<Path> saveUpdate) {
    /** As long as the field waits at first. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(15);
}
