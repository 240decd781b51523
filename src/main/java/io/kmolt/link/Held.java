package io.kmolt.link;

import java.util.List;
import java.util.Map;

/**
 * Functions of a build in the kernel whose ftrace sites somebody else has, so that ftrace lets nobody redirect them: a
 * livepatch, or a direct call. What answers in a livepatched function's place is not known to the linker, so that all of
 * them count as changed.
 *
 * @param by who has the site, by name of the function; static functions of one name count as one
 * @param code where the code is that answers in their place
 */
public record Held(Map<String, String> by, List<Code> code) {
    /** Nobody has any. */
    public static final Held NONE = new Held(Map.of(), List.of());

    /**
     * Code in the kernel.
     *
     * @param start its first byte
     * @param end the byte behind its last
     */
    public record Code(long start, long end) {}
}
