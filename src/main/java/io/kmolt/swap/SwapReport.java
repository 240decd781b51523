package io.kmolt.swap;

import java.util.List;

/**
 * What a swap did, or would do.
 *
 * @param module the module
 * @param target where
 * @param dryRun whether nothing was changed
 * @param edition the update module that carries the new build
 * @param previous what answered before: an edition or {@code base}
 * @param buildId build-id of the new build
 * @param changed functions that are not the same in the new build
 * @param added functions that only the new build has
 * @param gone functions that only the old build has
 * @param slots words of the base's tables that hold something else
 * @param redirects functions of the base that send their callers on
 * @param shared objects that the builds have in common
 * @param notes what an operator should know, although it does not stand in the way
 * @param attached who is attached to functions of the module, and what becomes of him
 * @param sticky why the edition stays in memory after a revert; empty if it does not
 * @param dropped builds that were superseded long ago, and that kmolt revert no longer leads to
 * @param linkMillis how long comparing and linking took, in milliseconds
 * @param pauseNanos how long all CPUs stood still, in nanoseconds
 * @param scanNanos the part of it in which stacks were looked at
 * @param stopNanos how long the stop took in all, with waiting for the CPUs
 * @param attempts how often it was tried
 * @param verified how it was tried once it answered; empty if it was not
 */
public record SwapReport(
        String module,
        String target,
        boolean dryRun,
        String edition,
        String previous,
        String buildId,
        List<String> changed,
        List<String> added,
        List<String> gone,
        int slots,
        int redirects,
        int shared,
        List<String> notes,
        List<AttachedUser> attached,
        List<String> sticky,
        List<String> dropped,
        long linkMillis,
        long pauseNanos,
        long scanNanos,
        long stopNanos,
        int attempts,
        String verified) {}
