package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * In which functions no task may be when another build takes over.
 *
 * <p>In those that change; and in those that would go on to call one directly, bypassing its redirect because it has
 * none. A function that is the same in both builds and calls only such functions, or redirected ones, may go on.
 */
final class Quiescence {
    private Quiescence() {}

    /**
     * Functions of a build that must be empty of tasks.
     *
     * @param module the build that is left
     * @param changed which of its functions are not the same in the build that takes over
     * @param redirected which of them send their callers there
     */
    static Set<Item> blocking(KernelModule module, Predicate<Item> changed, Predicate<Item> redirected) {
        List<Item> functions = module.functions();
        Map<Item, Set<Item>> callers = new HashMap<>();
        Deque<Item> work = new ArrayDeque<>();
        Set<Item> blocking = new HashSet<>();
        for (Item function : functions) {
            if (changed.test(function) && blocking.add(function)) {
                work.add(function);
            }
            for (Reference reference : module.references(function)) {
                if (reference.use() == Reference.Use.BRANCH
                        && reference.referent() instanceof Referent.InItem in
                        && in.item().function()
                        // A jump into the middle of a function passes by its redirect.
                        && (in.delta() != 0 || !redirected.test(in.item()))) {
                    callers.computeIfAbsent(in.item(), k -> new HashSet<>()).add(function);
                }
            }
        }
        while (!work.isEmpty()) {
            for (Item caller : callers.getOrDefault(work.remove(), Set.of())) {
                if (blocking.add(caller)) {
                    work.add(caller);
                }
            }
        }
        return blocking;
    }

    /** Functions of a layer that must be empty for the new build to take over. */
    static Set<Item> toCommit(Layer layer, Predicate<Item> redirected) {
        return blocking(layer.comparison().oldModule(), layer::isChanged, redirected);
    }

    /** Functions of the new build that must be empty to go back to a layer. */
    static Set<Item> toRevert(Layer layer, Predicate<Item> leadsHome) {
        Comparison comparison = layer.comparison();
        return blocking(
                comparison.newModule(),
                function -> {
                    Item old = comparison.correlation().oldOf(function);
                    return old == null || layer.isChanged(old);
                },
                leadsHome);
    }
}
