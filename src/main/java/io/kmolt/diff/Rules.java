package io.kmolt.diff;

import static io.kmolt.diff.Refusal.Kind.EXPORT;
import static io.kmolt.diff.Refusal.Kind.INITIAL_VALUE;
import static io.kmolt.diff.Refusal.Kind.OTHER_KERNEL;
import static io.kmolt.diff.Refusal.Kind.OTHER_MODULE;
import static io.kmolt.diff.Refusal.Kind.RESIZED;
import static io.kmolt.diff.Refusal.Kind.TRACE_EVENT;
import static io.kmolt.diff.Refusal.Kind.TYPES_UNKNOWN;
import static io.kmolt.diff.Refusal.Kind.UNMATCHED;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Hooks;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Decides whether a new build may take over: the rules, one method each. What no rule can prove harmless is refused. */
final class Rules {
    private Rules() {}

    static List<Refusal> refusals(Comparison comparison, Types types) {
        List<Refusal> refusals = new ArrayList<>();
        if (comparison.oldModule().isLoadable() != comparison.newModule().isLoadable()) {
            refusals.add(new Refusal(
                    OTHER_MODULE,
                    comparison.newModule().name(),
                    "cannot be compared: only one of the two files is a whole module"));
            return refusals;
        }
        // An object's name is only that of its file.
        if (comparison.newModule().isLoadable()
                && !comparison.oldModule().name().equals(comparison.newModule().name())) {
            refusals.add(new Refusal(
                    OTHER_MODULE,
                    comparison.newModule().name(),
                    "is another module than " + comparison.oldModule().name()));
            return refusals;
        }
        typeIds(comparison, refusals);
        if (!comparison.newModule().isLoadable()) {
            exportsOfObjects(comparison, refusals);
        }
        variables(comparison, refusals);
        initialValues(comparison, refusals);
        traceEvents(comparison, refusals);
        refusals.addAll(LoadRules.wrongHooks(comparison));
        if (Hooks.of(comparison.newModule()).isEmpty()) {
            refusals.addAll(LoadRules.differences(comparison));
        }
        refusals.addAll(types.layoutDifferences());
        unknownTypes(comparison, types, refusals);
        return refusals;
    }

    /** Builds whose code and data do not differ read their state in the same way, whatever they call its types. */
    private static void unknownTypes(Comparison comparison, Types types, List<Refusal> refusals) {
        if (!comparison.isSame()) {
            types.unknown()
                    .ifPresent(why -> refusals.add(new Refusal(
                            TYPES_UNKNOWN,
                            comparison.newModule().name(),
                            "has types that cannot be compared: " + why)));
        }
    }

    /** No difference in the sources, but wrong in the kernel that runs. */
    private static void typeIds(Comparison comparison, List<Refusal> refusals) {
        KernelModule newModule = comparison.newModule();
        if (new KernelTies(comparison.oldModule(), newModule).bringsIdsOfAnotherKernel(newModule)) {
            refusals.add(
                    new Refusal(
                            OTHER_KERNEL,
                            newModule.name(),
                            "brings numbers of types (.BTF_ids) of another kernel than the loaded build's; build it for that one"));
        }
    }

    /** Those of modules are in tables, which {@link Manifest} reads; an object only says what will get into them. */
    private static void exportsOfObjects(Comparison comparison, List<Refusal> refusals) {
        Map<String, Long> olds = Exports.crcs(comparison.oldModule());
        Map<String, Long> news = Exports.crcs(comparison.newModule());
        for (String name : Exports.names(comparison.oldModule())) {
            boolean there = comparison.newModule().items().stream()
                    .anyMatch(i -> i.global() && i.name().equals(name));
            if (!there) {
                refusals.add(new Refusal(EXPORT, name, "is exported, and gone in the new build"));
            } else if (olds.containsKey(name)
                    && news.containsKey(name)
                    && !olds.get(name).equals(news.get(name))) {
                refusals.add(new Refusal(EXPORT, name, "is exported, and has another CRC in the new build"));
            }
        }
    }

    static boolean isState(Item item) {
        return item.kind() == SectionKind.STATE
                || item.kind() == SectionKind.PERCPU
                || item.kind() == SectionKind.TRACE;
    }

    /** Variables must be matched with certainty and keep their size; so must tables that others may hold. */
    private static void variables(Comparison comparison, List<Refusal> refusals) {
        List<Item> gone = Comparison.with(comparison.objects(), Change.GONE);
        for (Item item : comparison.newModule().objects()) {
            Item old = comparison.correlation().oldOf(item);
            boolean table = Words.isTable(comparison.newModule(), item);
            if (old == null) {
                boolean ambiguous = (isState(item) || table)
                        && !Words.isHarmless(item)
                        && !Words.isTraceItem(comparison.newModule(), item)
                        && item.size() > 0
                        && gone.stream().anyMatch(g -> g.stem().equals(item.stem()));
                if (ambiguous) {
                    refusals.add(new Refusal(
                            UNMATCHED, item.name(), "it is not certain which variable of the loaded build this is"));
                }
            } else if (old.size() != item.size() && (isState(item) || table)) {
                refusals.add(new Refusal(
                        RESIZED,
                        item.name(),
                        "has another size in the new build: %d → %d bytes".formatted(old.size(), item.size())));
            }
        }
    }

    /** What a variable begins with is not brought in by a swap, so it must not have changed. */
    private static void initialValues(Comparison comparison, List<Refusal> refusals) {
        comparison.words().forEach((item, words) -> {
            if (!isState(item) || Words.isTraceItem(comparison.newModule(), item)) {
                return;
            }
            words.stream()
                    .filter(word -> !word.same() && !Words.isCode(word))
                    .findFirst()
                    .ifPresent(word -> refusals.add(new Refusal(
                            INITIAL_VALUE,
                            item.name(),
                            "begins with another value in the new build (at offset %d), but the running value stays"
                                    .formatted(word.offset()))));
        });
    }

    private static void traceEvents(Comparison comparison, List<Refusal> refusals) {
        comparison.functions().forEach((item, change) -> {
            if (change != Change.SAME && Words.isTraceItem(comparison.oldModule(), item)) {
                refusals.add(new Refusal(
                        TRACE_EVENT,
                        item.name(),
                        "belongs to a trace event that is " + words(change) + " in the new build"));
            }
        });
    }

    private static String words(Change change) {
        return switch (change) {
            case SAME -> "the same";
            case CHANGED -> "changed";
            case GONE -> "gone";
        };
    }
}
