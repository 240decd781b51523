package io.kmolt.edition;

import io.kmolt.module.KernelModule;
import java.util.List;
import java.util.Map;

/**
 * What a running kernel says, as far as linking editions onto it needs to know.
 *
 * @param bootId {@code /proc/sys/kernel/random/boot_id}
 * @param symbols what {@code /proc/kallsyms} has under each name that was asked for, in its order, without what is in
 *     modules of kmolt
 * @param similar for names that it does not have, a few that look like them
 * @param modules the loaded modules among the objects of those symbols, by name
 * @param bodies by address of a function, that of the first instruction behind its ftrace site; 5 bytes behind its
 *     beginning for functions that are not in here
 * @param core the core that is, or will be, loaded there
 */
public record EditionTarget(
        String bootId,
        Map<String, List<KernelSymbol>> symbols,
        Map<String, List<String>> similar,
        Map<String, LoadedObject> modules,
        Map<Long, Long> bodies,
        KernelModule core) {
    /** Length of the {@code call} that the compiler puts at a function's beginning, and ftrace in its place. */
    static final int SITE_SIZE = 5;

    /**
     * A loaded module.
     *
     * @param address as in {@code /proc/modules}
     * @param load as in {@link io.kmolt.module.RunningModule}
     */
    public record LoadedObject(long address, long load) {}

    /** Where a call that goes past ftrace enters a function. */
    long body(long function) {
        return bodies.getOrDefault(function, function + SITE_SIZE);
    }
}
