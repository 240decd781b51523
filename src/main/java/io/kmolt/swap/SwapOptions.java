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
 * @param trial how to verify the new build once it answers; it is reverted if that fails
 * @param keep how many superseded builds to keep to go back to; older ones are dropped
 * @param journal whether the swap is written down on the target, without which it is refused
 */
public record SwapOptions(
        KernelImages images,
        Limits limits,
        boolean dryRun,
        Optional<Path> base,
        Optional<Path> saveUpdate,
        boolean acknowledge,
        Optional<Verification.Plan> trial,
        int keep,
        boolean journal) {
    /** What is kept unless somebody says otherwise. */
    public static final int KEEP = 4;

    /** As most people want it. */
    public static SwapOptions with(KernelImages images) {
        return new SwapOptions(
                images, Limits.DEFAULT, false, Optional.empty(), Optional.empty(), false, Optional.empty(), KEEP, true);
    }

    public SwapOptions withLimits(Limits other) {
        return new SwapOptions(images, other, dryRun, base, saveUpdate, acknowledge, trial, keep, journal);
    }

    public SwapOptions withDryRun(boolean dry) {
        return new SwapOptions(images, limits, dry, base, saveUpdate, acknowledge, trial, keep, journal);
    }

    public SwapOptions withBase(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, file, saveUpdate, acknowledge, trial, keep, journal);
    }

    public SwapOptions withSaveUpdate(Optional<Path> file) {
        return new SwapOptions(images, limits, dryRun, base, file, acknowledge, trial, keep, journal);
    }

    public SwapOptions withAcknowledge(boolean yes) {
        return new SwapOptions(images, limits, dryRun, base, saveUpdate, yes, trial, keep, journal);
    }

    public SwapOptions withTrial(Optional<Verification.Plan> plan) {
        return new SwapOptions(images, limits, dryRun, base, saveUpdate, acknowledge, plan, keep, journal);
    }

    public SwapOptions withKeep(int builds) {
        return new SwapOptions(images, limits, dryRun, base, saveUpdate, acknowledge, trial, builds, journal);
    }

    public SwapOptions withJournal(boolean written) {
        return new SwapOptions(images, limits, dryRun, base, saveUpdate, acknowledge, trial, keep, written);
    }
}
