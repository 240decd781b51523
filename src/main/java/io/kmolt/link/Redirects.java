package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Types;
import io.kmolt.diff.Words;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which functions of the base send their callers to the new build.
 *
 * <p>All that can: they must have an ftrace site, a name that says how they are called, and be called in the same way in
 * both builds. What a trace event has registered stays as it is.
 */
final class Redirects {
    private final Map<Item, Long> sites;
    private final Map<Item, Item> targets = new HashMap<>();

    Redirects(Layer base, Types types) {
        this.sites = sites(base);
        Comparison comparison = base.comparison();
        for (Item old : comparison.oldModule().functions()) {
            Item target = comparison.correlation().newOf(old);
            if (target != null
                    && sites.containsKey(old)
                    && old.kind() == SectionKind.TEXT
                    && target.kind() == SectionKind.TEXT
                    && !old.isClone()
                    && !Words.isTraceItem(old)
                    && isCalledTheSame(comparison, old, types)) {
                targets.put(old, target);
            }
        }
    }

    /** Equal code is called in the same way, whatever is known of its prototype. */
    private static boolean isCalledTheSame(Comparison comparison, Item old, Types types) {
        return !comparison.isChanged(old)
                || types.prototypeDifference(old.name()).isEmpty();
    }

    private static Map<Item, Long> sites(Layer base) {
        KernelModule module = base.comparison().oldModule();
        Map<Item, Long> sites = new HashMap<>();
        for (ElfSection section : module.elf().sections()) {
            if (section.name().equals("__mcount_loc")) {
                for (Reference reference : module.references(section.index())) {
                    if (reference.referent() instanceof Referent.InItem in
                            && in.item().function()) {
                        sites.put(in.item(), base.address(in.item()) + in.delta());
                    }
                }
            }
        }
        return sites;
    }

    /** Whether whoever calls this function of the base gets to the new build. */
    boolean covers(Item oldFunction) {
        return targets.containsKey(oldFunction);
    }

    /** The new build's function for each site, by address. */
    SortedMap<Long, Item> bySite() {
        SortedMap<Long, Item> bySite = new TreeMap<>();
        targets.forEach((old, target) -> bySite.put(sites.get(old), target));
        return bySite;
    }
}
