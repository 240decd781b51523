package io.kmolt.diff;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Functions and objects of which it is not certain which is which, while there is as much of each in both builds: copies
 * of a static inline function that several source files have, names of functions for messages. They are neither new nor
 * gone.
 *
 * @param olds those of the old build
 * @param news those of the new build, as many
 */
public record Twins(Set<Item> olds, Set<Item> news) {

    private static final String JUMP_LABELS = "__jump_table";

    /** Pairs off what is called the same and made of the same. */
    public static Twins of(Comparison comparison) {
        KernelModule oldModule = comparison.oldModule();
        KernelModule newModule = comparison.newModule();
        Correlation correlation = comparison.correlation();
        KernelTies ties = new KernelTies(oldModule, newModule);
        Map<String, Deque<Item>> open = new HashMap<>();
        List<Item> gone = new ArrayList<>(Comparison.with(comparison.functions(), Change.GONE));
        gone.addAll(Comparison.with(comparison.objects(), Change.GONE));
        byKey(oldModule, gone, ties, item -> name(correlation.newOf(item), item))
                .forEach((item, key) ->
                        open.computeIfAbsent(key, k -> new ArrayDeque<>()).add(item));
        List<Item> added = new ArrayList<>(comparison.newFunctions());
        added.addAll(comparison.newObjects());
        Set<Item> olds = new HashSet<>();
        Set<Item> news = new HashSet<>();
        byKey(newModule, added, ties, item -> name(correlation.oldOf(item) == null ? null : item, item))
                .forEach((item, key) -> {
                    Item twin = open.getOrDefault(key, new ArrayDeque<>()).poll();
                    if (twin != null) {
                        olds.add(twin);
                        news.add(item);
                    }
                });
        return new Twins(olds, news);
    }

    /** These without those that have a twin. */
    public List<Item> without(List<Item> items) {
        return items.stream()
                .filter(item -> !olds.contains(item) && !news.contains(item))
                .toList();
    }

    /** What has a counterpart is called by the symbol of the new build, so that it is called the same in both. */
    private static String name(@Nullable Item matched, Item item) {
        return matched == null ? item.kind() + " " + item.stem() : "symbol " + matched.symbol();
    }

    private static Map<Item, String> byKey(
            KernelModule module, List<Item> items, KernelTies ties, Function<Item, String> nameOf) {
        Set<Item> labelled = items.isEmpty() ? Set.of() : withJumpLabels(module);
        Map<Item, String> keys = new LinkedHashMap<>();
        for (Item item : items) {
            // Which key a jump label depends on does not stand in the code.
            if (!labelled.contains(item)) {
                keys.put(
                        item,
                        item.kind() + " " + item.function() + " " + item.stem() + " "
                                + Makeup.of(module, item, ties, nameOf));
            }
        }
        return keys;
    }

    private static Set<Item> withJumpLabels(KernelModule module) {
        Set<Item> items = new HashSet<>();
        module.elf().sections().stream()
                .filter(section -> section.name().equals(JUMP_LABELS))
                .flatMap(section -> module.references(section.index()).stream())
                .map(Reference::referent)
                .forEach(referent -> {
                    if (referent instanceof Referent.InItem in) {
                        items.add(in.item());
                    }
                });
        return items;
    }
}
