package io.kmolt.swap;

import java.util.List;

/**
 * What a revert did.
 *
 * @param module the module
 * @param target where
 * @param reverted the edition that no longer answers
 * @param current who answers now: an edition or {@code base}
 * @param unloaded whether the reverted edition is gone from memory
 * @param kept why it is not; empty if it is
 * @param attached who is attached to functions of the reverted edition, and what became of him
 * @param pauseNanos how long all CPUs stood still, in nanoseconds
 * @param scanNanos the part of it in which stacks were looked at
 * @param stopNanos how long the stop took in all
 * @param attempts how often it was tried
 * @param notes what an operator should know
 */
public record RevertReport(
        String module,
        String target,
        String reverted,
        String current,
        boolean unloaded,
        String kept,
        List<AttachedUser> attached,
        long pauseNanos,
        long scanNanos,
        long stopNanos,
        int attempts,
        List<String> notes) {}
