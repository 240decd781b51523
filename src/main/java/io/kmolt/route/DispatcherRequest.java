package io.kmolt.route;

import java.util.Map;

/**
 * What one function's dispatcher is to do.
 *
 * @param route where calls go
 * @param hasOld whether other routes of the function are in force until these are
 * @param counters by an edition's number, 0 for the original: the per-CPU address of a 64-bit word that counts the calls
 *     that go there. What has none is not counted
 */
public record DispatcherRequest(Route route, boolean hasOld, Map<Integer, Long> counters) {
    public DispatcherRequest {
        counters = Map.copyOf(counters);
    }

    /** Without counting. */
    public DispatcherRequest(Route route, boolean hasOld) {
        this(route, hasOld, Map.of());
    }
}
