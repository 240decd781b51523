package io.kmolt.swap;

import java.util.Map;

/**
 * An edition that a target's core knows.
 *
 * @param name its update module
 * @param state as the core says: {@code current}, {@code superseded}, {@code retired} …
 * @param buildId build-id of the build that it was linked from
 * @param version that build's MODULE_VERSION; may be empty
 * @param srcversion that build's srcversion; may be empty
 * @param previous who answers once it is reverted: an edition, or {@code base}
 * @param pauseNanos how long all CPUs stood still for its commit, in nanoseconds; 0 if it was not committed
 * @param slots words of the base's tables that hold something else while it answers
 * @param redirects functions of the base that send their callers on while it answers
 * @param sticky whether it stays in memory after a revert
 * @param passesOver how many of the editions that it was linked on were dropped since
 * @param stays why it cannot be dropped once it is superseded, as the core says: {@code sticky}, {@code prepared}, {@code
 *     used}, {@code held}; {@code no} if it can, {@code dropped} if it was
 */
public record LoadedEdition(
        String name,
        String state,
        String buildId,
        String version,
        String srcversion,
        String previous,
        long pauseNanos,
        long slots,
        long redirects,
        boolean sticky,
        long passesOver,
        String stays) {
    static final String DROPPED = "dropped";

    /** From the files of its folder in sysfs. */
    static LoadedEdition of(String name, Map<String, String> files) {
        return new LoadedEdition(
                name,
                files.getOrDefault("state", ""),
                files.getOrDefault("build_id", ""),
                files.getOrDefault("version", ""),
                files.getOrDefault("srcversion", ""),
                files.getOrDefault("previous", SwappedModule.BASE),
                Long.parseLong(files.getOrDefault("pause_ns", "0")),
                Long.parseLong(files.getOrDefault("slots", "0")),
                Long.parseLong(files.getOrDefault("redirects", "0")),
                files.getOrDefault("sticky", "0").equals("1"),
                Long.parseLong(files.getOrDefault("passes_over", "0")),
                files.getOrDefault("stays", ""));
    }
}
