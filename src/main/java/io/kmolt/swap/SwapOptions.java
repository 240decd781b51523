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
 * @param trial how to verify the new build once it answers; it is reverted if that fails
 * @param journal whether the swap is written down on the target, without which it is refused
 */
public record SwapOptions(
        boolean dryRun,
        Duration timeout,
        Optional<Path> base,
        KernelImages images,
        Optional<Path> saveUpdate,
        Optional<Verification.Plan> trial,
        boolean journal) {
    /** As long as the field waits at first. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(15);

    /** Without a trial, and written down. */
    public SwapOptions(
            boolean dryRun, Duration timeout, Optional<Path> base, KernelImages images, Optional<Path> saveUpdate) {
        this(dryRun, timeout, base, images, saveUpdate, Optional.empty(), true);
    }

    /** The same with a trial. */
    public SwapOptions withTrial(Verification.Plan plan) {
        return new SwapOptions(dryRun, timeout, base, images, saveUpdate, Optional.of(plan), journal);
    }

    /** The same, and nothing is written down. */
    public SwapOptions withoutJournal() {
        return new SwapOptions(dryRun, timeout, base, images, saveUpdate, trial, false);
    }
}
