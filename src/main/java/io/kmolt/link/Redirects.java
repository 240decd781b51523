package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Words;
import io.kmolt.module.FtraceSites;
import io.kmolt.module.Hooks;
import io.kmolt.module.Item;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which functions of a layer send their callers to the new build, and which of the new build send theirs back.
 *
 * <p>All that can: they must have an ftrace site that nobody else has, a name that says how they are called, and be called in the same way in
 * both builds. What a trace event has registered stays as it is.
 */
final class Redirects {
    private final Layer layer;
    private final Map<Item, Long> oldSites;
    private final Map<Item, Long> newSites;
    private final Hooks hooks;
    private final Map<Item, Item> targets = new HashMap<>();
    private final Map<Item, Item> homes = new HashMap<>();

    Redirects(Layer layer) {
        this.layer = layer;
        Comparison comparison = layer.comparison();
        this.hooks = Hooks.of(comparison.newModule());
        this.oldSites = FtraceSites.of(comparison.oldModule());
        this.newSites = FtraceSites.of(comparison.newModule());
        for (Item old : comparison.oldModule().functions()) {
            Item target = comparison.correlation().newOf(old);
            if (target != null && canStandIn(old, target)) {
                if (oldSites.containsKey(old) && !layer.isHeld(old)) {
                    targets.put(old, target);
                }
                if (newSites.containsKey(target)) {
                    homes.put(target, old);
                }
            }
        }
    }

    private boolean canStandIn(Item old, Item target) {
        return old.kind() == SectionKind.TEXT
                && target.kind() == SectionKind.TEXT
                && !old.isClone()
                // The core calls the hooks of one build, whichever answers.
                && !hooks.contains(target)
                && !Words.isTraceItem(layer.comparison().oldModule(), old)
                && isCalledTheSame(old);
    }

    /** Equal code is called in the same way, whatever is known of its prototype. */
    private boolean isCalledTheSame(Item old) {
        return !layer.comparison().isChanged(old)
                || layer.types().prototypeDifference(old.name()).isEmpty();
    }

    /** Whether whoever calls this function of the layer gets to the new build. */
    boolean covers(Item oldFunction) {
        return targets.containsKey(oldFunction);
    }

    /** Whether calls of its function of the layer get to a function of the new build. */
    boolean leadTo(Item newFunction) {
        Item old = layer.comparison().correlation().oldOf(newFunction);
        return old != null && covers(old);
    }

    /** The new build's function that can be called in place of one of the layer; null if there is none. */
    @Nullable
    Item standIn(Item oldFunction) {
        Item target = layer.comparison().correlation().newOf(oldFunction);
        return target != null && canStandIn(oldFunction, target) ? target : null;
    }

    /** Whether whoever calls this function of the new build, once it no longer answers, gets back to the layer. */
    boolean leadsHome(Item newFunction) {
        return homes.containsKey(newFunction);
    }

    /** The new build's function for each site of the layer, by address. */
    SortedMap<Long, Item> bySite() {
        SortedMap<Long, Item> bySite = new TreeMap<>();
        targets.forEach((old, target) -> bySite.put(layer.address(old) + oldSites.getOrDefault(old, 0L), target));
        return bySite;
    }

    /**
     * A redirect back.
     *
     * @param function the new build's function
     * @param site distance of its ftrace site from its beginning
     * @param target address of the layer's function
     */
    record Home(Item function, long site, long target) {}

    /** The redirects back, in the order of the new build's sections and functions. */
    List<Home> home() {
        return homes.entrySet().stream()
                .map(e -> new Home(e.getKey(), newSites.getOrDefault(e.getKey(), 0L), layer.address(e.getValue())))
                .toList();
    }
}
