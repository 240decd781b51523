package io.kmolt.diff;

import static io.kmolt.diff.Refusal.Kind.DECLARATION;
import static io.kmolt.diff.Refusal.Kind.EXIT;
import static io.kmolt.diff.Refusal.Kind.INIT;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Hooks;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What runs at load does not run in a swap, and what runs at unload finds what another build has set up. So both must be
 * the same, and nothing may rely on what init alone would do; unless the new build's hooks take care of it.
 */
public final class LoadRules {
    private LoadRules() {}

    /** Every difference that somebody must take care of. */
    public static List<Refusal> differences(Comparison comparison) {
        List<Refusal> found = new ArrayList<>();
        LoadTime before = LoadTime.of(comparison.oldModule());
        LoadTime now = LoadTime.of(comparison.newModule());
        Hooks oldHooks = Hooks.of(comparison.oldModule());
        comparison.functions().forEach((item, change) -> {
            if (change == Change.SAME || oldHooks.contains(item)) {
                return;
            }
            String word = change == Change.GONE ? "gone" : "changed";
            if (before.onlyInit().contains(item)) {
                found.add(init(item, "is " + word + " in the new build"));
            } else if (before.onlyExit().contains(item)) {
                found.add(exit(item, "is " + word + " in the new build"));
            } else if (change == Change.CHANGED && before.init().contains(item)) {
                found.add(also(INIT, item, "loaded", "a swap does not run it for that, and what it did then stays"));
            } else if (change == Change.CHANGED && before.exit().contains(item)) {
                found.add(also(EXIT, item, "unloaded", "it would find what another build has set up"));
            }
        });
        for (Item item : comparison.newFunctions()) {
            if (now.onlyInit().contains(item)) {
                found.add(init(item, "is new"));
            } else if (now.onlyExit().contains(item)) {
                found.add(exit(item, "is new"));
            }
        }
        newState(comparison, now.init(), found);
        return found;
    }

    private static Refusal init(Item item, String what) {
        return new Refusal(
                INIT, item.name(), "runs only when the module is loaded, and " + what + "; a swap does not run it");
    }

    private static Refusal exit(Item item, String what) {
        return new Refusal(
                EXIT,
                item.name(),
                "runs only when the module is unloaded, and " + what + "; it would find what another build has set up");
    }

    /** Of what runs at other times as well: what init has made of it, a changed function may not understand. */
    private static Refusal also(Refusal.Kind kind, Item item, String when, String why) {
        return new Refusal(
                kind,
                item.name(),
                "runs when the module is " + when + ", too, and is changed in the new build; " + why);
    }

    /**
     * New state that init may write: by name, by an address that it hands to a callee, or through new tables that name
     * it. Whether others write it too does not matter, as they may come later.
     */
    private static void newState(Comparison comparison, Set<Item> init, List<Refusal> found) {
        KernelModule module = comparison.newModule();
        Set<Item> seen = new HashSet<>();
        for (Item function : init) {
            Deque<Item> work = new ArrayDeque<>(List.of(function));
            while (!work.isEmpty()) {
                for (Reference reference : module.references(work.remove())) {
                    if (reference.referent() instanceof Referent.InItem in
                            && !in.item().function()
                            && in.item().size() > 0
                            && !Words.isHarmless(in.item())
                            && comparison.correlation().oldOf(in.item()) == null
                            && seen.add(in.item())) {
                        work.add(in.item());
                        if (Rules.isState(in.item())) {
                            found.add(new Refusal(
                                    INIT,
                                    in.item().name(),
                                    "is new, and is used by " + function.name()
                                            + " when the module is loaded; a swap does not run that"));
                        }
                    }
                }
            }
        }
    }

    /** What is wrong with the new build's hooks; nothing if it has none. */
    static List<Refusal> wrongHooks(Comparison comparison) {
        KernelModule module = comparison.newModule();
        Hooks hooks = Hooks.of(module);
        if (hooks.isEmpty()) {
            return List.of();
        }
        if (!hooks.areComplete()) {
            return List.of(
                    new Refusal(
                            DECLARATION,
                            module.name(),
                            "needs one function in KMOLT_PREPARE and one in KMOLT_UNPREPARE, neither of them __init or __exit"));
        }
        List<Item> starts = Stream.concat(hooks.prepare().stream(), hooks.unprepare().stream())
                .toList();
        List<Refusal> wrong = new ArrayList<>();
        for (Item item : LoadTime.reached(module, starts)) {
            Item old = comparison.correlation().oldOf(item);
            if (old != null && !hooks.contains(item) && comparison.isChanged(old)) {
                wrong.add(
                        new Refusal(
                                DECLARATION,
                                item.name(),
                                "is called by a hook, and has changed: hooks run while the old build answers, which has its own"));
            }
        }
        return wrong;
    }
}
