package io.kmolt.diff;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What became of a function of the source, with all that the compiler made of it: clones ({@code .isra}, {@code .part},
 * {@code .constprop}) and cold parts belong to the function that they were made from.
 *
 * @param name the function's name
 * @param state what became of it
 * @param parts those of its symbols that are not the same in both builds
 * @param users of a function that is gone or new: the functions that called it, or call it now. Where these changed, it
 *     may have been inlined into them, or have been part of them
 */
public record FunctionChange(String name, State state, List<Part> parts, List<String> users) {

    /** What can become of a function or a part of one. */
    public enum State {
        CHANGED,
        NEW,
        GONE
    }

    /**
     * A symbol that is not the same in both builds.
     *
     * @param symbol its name
     * @param state what became of it
     * @param oldSize its size in bytes in the old build, 0 if it is new
     * @param newSize its size in the new build, 0 if it is gone
     * @param reason why it counts as changed, if it is in both
     * @param callsNew functions that it calls and did not call before, if it is in both
     * @param callsNoMore functions that it called before and does not call now
     */
    public record Part(
            String symbol,
            State state,
            long oldSize,
            long newSize,
            Optional<Reason> reason,
            List<String> callsNew,
            List<String> callsNoMore) {}

    /** All functions that are not the same in both builds, by name. */
    public static List<FunctionChange> of(Comparison comparison) {
        Map<String, List<Part>> parts = new TreeMap<>();
        Optional<Reasons> reasons = comparison.functions().containsValue(Change.CHANGED)
                ? Optional.of(new Reasons(comparison))
                : Optional.empty();
        comparison.functions().forEach((item, change) -> {
            if (change != Change.SAME) {
                Item continued = comparison.correlation().newOf(item);
                Part part = continued == null
                        ? new Part(item.name(), State.GONE, item.size(), 0, Optional.empty(), List.of(), List.of())
                        : changed(comparison, item, continued, reasons);
                parts.computeIfAbsent(item.parent(), _ -> new ArrayList<>()).add(part);
            }
        });
        for (Item item : comparison.newFunctions()) {
            parts.computeIfAbsent(item.parent(), _ -> new ArrayList<>())
                    .add(new Part(item.name(), State.NEW, 0, item.size(), Optional.empty(), List.of(), List.of()));
        }
        Set<String> before = names(comparison.oldModule());
        Set<String> now = names(comparison.newModule());
        List<FunctionChange> changes = new ArrayList<>();
        parts.forEach((name, symbols) -> {
            symbols.sort(Comparator.comparing(Part::symbol).thenComparing(Part::state));
            State state = !now.contains(name) ? State.GONE : before.contains(name) ? State.CHANGED : State.NEW;
            changes.add(new FunctionChange(name, state, List.copyOf(symbols), users(comparison, name, state)));
        });
        return List.copyOf(changes);
    }

    private static Part changed(Comparison comparison, Item oldItem, Item newItem, Optional<Reasons> reasons) {
        List<String> before = Reasons.calls(comparison.oldModule(), oldItem);
        List<String> now = Reasons.calls(comparison.newModule(), newItem);
        return new Part(
                newItem.name(),
                State.CHANGED,
                oldItem.size(),
                newItem.size(),
                reasons.map(r -> r.of(oldItem, newItem)),
                without(now, before),
                without(before, now));
    }

    private static List<String> without(List<String> some, List<String> others) {
        return some.stream().filter(name -> !others.contains(name)).sorted().toList();
    }

    private static Set<String> names(KernelModule module) {
        Set<String> names = new HashSet<>();
        module.items().stream().filter(Item::function).forEach(item -> names.add(item.parent()));
        return names;
    }

    private static List<String> users(Comparison comparison, String name, State state) {
        if (state == State.CHANGED) {
            return List.of();
        }
        KernelModule module = state == State.GONE ? comparison.oldModule() : comparison.newModule();
        Set<String> users = new TreeSet<>();
        for (Item item : module.items()) {
            if (item.function()
                    && !item.parent().equals(name)
                    && Reasons.calls(module, item).contains(name)) {
                users.add(item.parent());
            }
        }
        return List.copyOf(users);
    }
}
