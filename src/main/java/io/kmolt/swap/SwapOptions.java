package io.kmolt.swap;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How to swap.
 *
 * @param images finds kernel images, for their types
 * @param limits how much time it may take
 * @param dryRun link and compare, change nothing
 * @param base the file that the module was loaded from, if it is not where modprobe finds it
 * @param saveUpdate where to save the update module, for a look at it
 */
public record SwapOptions(
        KernelImages images, Limits limits, boolean dryRun, Optional<Path> base, Optional<Path> saveUpdate) {

    /** As most people want it. */
    public static SwapOptions with(KernelImages images) {
        return new SwapOptions(images, Limits.DEFAULT, false, Optional.empty(), Optional.empty());
    }

    public SwapOptions withLimits(Limits other) {
        return new SwapOptions(images, other, dryRun, base, saveUpdate);
    }

    public SwapOptions withDryRun(boolean dry) {
        return new SwapOptions(images, limits, dry, base, saveUpdate);
    }

    public SwapOptions withBase(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, file, saveUpdate);
    }

    public SwapOptions withSaveUpdate(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, base, file);
    }
}
