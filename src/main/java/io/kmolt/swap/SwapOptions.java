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
 * @param acknowledge cut off who is attached to the module's functions
 */
public record SwapOptions(
        KernelImages images,
        Limits limits,
        boolean dryRun,
        Optional<Path> base,
        Optional<Path> saveUpdate,
        boolean acknowledge) {

    /** As most people want it. */
    public static SwapOptions with(KernelImages images) {
        return new SwapOptions(images, Limits.DEFAULT, false, Optional.empty(), Optional.empty(), false);
    }

    public SwapOptions withLimits(Limits other) {
        return new SwapOptions(images, other, dryRun, base, saveUpdate, acknowledge);
    }

    public SwapOptions withDryRun(boolean dry) {
        return new SwapOptions(images, limits, dry, base, saveUpdate, acknowledge);
    }

    public SwapOptions withBase(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, file, saveUpdate, acknowledge);
    }

    public SwapOptions withSaveUpdate(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, base, file, acknowledge);
    }

    public SwapOptions withAcknowledge(boolean yes) {
        return new SwapOptions(images, limits, dryRun, base, saveUpdate, yes);
    }
}
