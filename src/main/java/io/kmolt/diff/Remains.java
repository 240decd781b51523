package io.kmolt.diff;

import static io.kmolt.diff.Refusal.Kind.INIT;
import static io.kmolt.diff.Refusal.Kind.SECTION;

import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;

/**
 * Compares what of two builds is neither a function nor an object that a swap takes care of, so that nothing of what the
 * kernel loads is left out:
 *
 * <ul>
 *   <li>each section's type and flags, which must be equal;
 *   <li>code that no symbol names, which must be the same, as nobody could be kept out of it;
 *   <li>trampolines of static calls: the running one stays;
 *   <li>data that no symbol names, and what is used at load only;
 *   <li>what is registered at load: parameters, trace events, tracepoints, entries for {@code dyndbg};
 *   <li>the module's {@code struct module};
 *   <li>which symbols share a place.
 * </ul>
 *
 * <p>What the loader reads itself, exports, versions and {@code .modinfo}, is compared in {@link Manifest}. Not compared are
 * notes, the build-id among them, which tell builds apart.
 *
 * <p>Things of one section and stem that hold the same are each other's counterparts, whatever their order. Bound: each is
 * compared with those of its own section and stem.
 */
final class Remains {
    /** Each kernel thread that uses one would find per-CPU memory that nobody has asked for. */
    private static final String SRCU = "___srcu_struct_ptrs";

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final Correlation correlation;
    private final Meaning meaning;
    private final List<Refusal> refusals = new ArrayList<>();
    private final List<Difference> differences = new ArrayList<>();

    Remains(KernelModule oldModule, KernelModule newModule, Correlation correlation, Meaning meaning) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.correlation = correlation;
        this.meaning = meaning;
    }

    void compare(List<CodeNote> oldLoose, List<CodeNote> newLoose) {
        sections();
        gaps();
        items();
        trampolines();
        overlaps();
        looseNotes(oldLoose, newLoose);
    }

    List<Refusal> refusals() {
        return refusals;
    }

    List<Difference> differences() {
        return differences;
    }

    private void sections() {
        Map<String, Set<String>> olds = attributes(oldModule);
        Map<String, Set<String>> news = attributes(newModule);
        news.forEach((name, now) -> {
            Set<String> before = olds.get(name);
            if (before != null && !before.equals(now)) {
                refusals.add(new Refusal(
                        SECTION,
                        name,
                        "is another kind of section in the new build: %s, was %s"
                                .formatted(String.join(" and ", now), String.join(" and ", before))));
            }
        });
    }

    private static Map<String, Set<String>> attributes(KernelModule module) {
        Map<String, Set<String>> attributes = new TreeMap<>();
        for (ElfSection section : module.elf().sections()) {
            String text =
                    section.isAlloc() ? "type %d, flags 0x%x".formatted(section.type(), section.flags()) : "not loaded";
            attributes.computeIfAbsent(section.name(), n -> new TreeSet<>()).add(text);
        }
        return attributes;
    }

    private void gaps() {
        Map<String, List<Places.Gap>> olds = gaps(oldModule, meaning.oldPlaces());
        Map<String, List<Places.Gap>> news = gaps(newModule, meaning.newPlaces());
        Set<String> names = new TreeSet<>(olds.keySet());
        names.addAll(news.keySet());
        for (String name : names) {
            List<Places.Gap> before = olds.getOrDefault(name, List.of());
            List<Places.Gap> now = news.getOrDefault(name, List.of());
            Leftovers<Places.Gap> left = Leftovers.of(
                    before,
                    now,
                    Places.Gap::size,
                    (a, b) -> a.size() == b.size()
                            && meaning.sameBytes(a.section(), a.start(), b.section(), b.start(), a.size()));
            if (left.isEmpty()) {
                continue;
            }
            boolean code = left.any(
                    g -> oldModule.elf().sections().get(g.section()).isExec(),
                    g -> newModule.elf().sections().get(g.section()).isExec());
            if (code) {
                refusals.add(new Refusal(SECTION, name, "has other code in the new build that belongs to no function"));
            } else {
                differences.add(new Difference(name, "has other data that no symbol names"));
            }
        }
    }

    private static Map<String, List<Places.Gap>> gaps(KernelModule module, Places places) {
        Map<String, List<Places.Gap>> gaps = new HashMap<>();
        for (ElfSection section : module.elf().sections()) {
            if (isCompared(module, section)) {
                gaps.computeIfAbsent(section.name(), n -> new ArrayList<>()).addAll(places.gaps(section));
            }
        }
        return gaps;
    }

    /** Whether what has no name in it counts where it is; what is merged, or belongs to code, counts where it is used. */
    private static boolean isCompared(KernelModule module, ElfSection section) {
        return switch (module.kind(section.index())) {
            case TEXT,
                    INIT_TEXT,
                    EXIT_TEXT,
                    STATIC_CALL_TEXT,
                    STATE,
                    PERCPU,
                    DEFINITION,
                    TRACE,
                    INIT_DATA,
                    HOOKS,
                    THIS_MODULE -> true;
            case REGISTRATION -> !Manifest.isPart(section);
            case METADATA -> !CodeNotes.isTaken(section) && !section.isExec();
            case STRINGS, CONSTANTS, MODINFO, VERSIONS, NOTE, FILE_ONLY -> false;
        };
    }

    private void items() {
        Map<String, List<Item>> olds = unshared(oldModule);
        Map<String, List<Item>> news = unshared(newModule);
        Set<String> names = new TreeSet<>(olds.keySet());
        names.addAll(news.keySet());
        for (String name : names) {
            Leftovers<Item> left = Leftovers.of(
                    olds.getOrDefault(name, List.of()),
                    news.getOrDefault(name, List.of()),
                    Item::size,
                    meaning::sameContents);
            left.news().forEach(item -> differs(item, newModule, left.olds().isEmpty() ? "is new" : "is another one"));
            if (left.news().isEmpty()) {
                left.olds().forEach(item -> differs(item, oldModule, "is gone"));
            }
        }
    }

    private void differs(Item item, KernelModule module, String what) {
        String section = module.elf().sections().get(item.section()).name();
        if (item.kind() == SectionKind.THIS_MODULE) {
            refusals.add(new Refusal(
                    INIT, item.name(), "names another init or exit, or says something else, in the new build"));
        } else if (section.equals(SRCU)) {
            refusals.add(new Refusal(
                    INIT, item.name(), what + ", and is set up when the module is loaded; a swap does not do that"));
        } else {
            differences.add(new Difference(item.name(), "in %s %s".formatted(section, what)));
        }
    }

    /** What a swap neither shares nor rewrites, by section and stem. */
    private static Map<String, List<Item>> unshared(KernelModule module) {
        return module.items().stream()
                .filter(i -> !i.function() && i.size() > 0)
                .filter(i -> switch (i.kind()) {
                    case INIT_DATA, REGISTRATION, METADATA, THIS_MODULE, HOOKS -> true;
                    default -> false;
                })
                .collect(Collectors.groupingBy(
                        i -> module.elf().sections().get(i.section()).name() + " " + i.stem(),
                        LinkedHashMap::new,
                        Collectors.toList()));
    }

    private void trampolines() {
        for (Item item : newModule.items()) {
            Item old = correlation.oldOf(item);
            if (item.kind() == SectionKind.STATIC_CALL_TEXT && old != null && !meaning.sameContents(old, item)) {
                refusals.add(new Refusal(
                        SECTION, item.name(), "leads to another function in the new build, but the running one stays"));
            }
        }
    }

    /** Symbols that overlap are the same memory under several names; then they must be in both builds. */
    private void overlaps() {
        Set<String> olds = overlaps(oldModule, item -> item.name());
        Set<String> news = overlaps(newModule, item -> {
            Item old = correlation.oldOf(item);
            return old == null ? item.name() : old.name();
        });
        Set<String> all = new TreeSet<>(olds);
        all.addAll(news);
        for (String overlap : all) {
            if (olds.contains(overlap) != news.contains(overlap)) {
                differences.add(new Difference(
                        overlap, olds.contains(overlap) ? "are apart in the new build" : "overlap in the new build"));
            }
        }
    }

    private static Set<String> overlaps(KernelModule module, java.util.function.Function<Item, String> name) {
        Set<String> overlaps = new TreeSet<>();
        for (ElfSection section : module.elf().sections()) {
            Item widest = null;
            for (Item item : module.in(section.index())) {
                if (item.size() == 0) {
                    continue; // the key of a lock checker that is off
                }
                if (widest != null && item.offset() < widest.end()) {
                    long delta = item.offset() - widest.offset();
                    overlaps.add("%s and %s + %d".formatted(name.apply(item), name.apply(widest), delta));
                }
                if (widest == null || item.end() > widest.end()) {
                    widest = item;
                }
            }
        }
        return overlaps;
    }

    private void looseNotes(List<CodeNote> olds, List<CodeNote> news) {
        BiPredicate<CodeNote, CodeNote> same = (a, b) -> a.matches(b) && meaning.same(a.references(), b.references());
        Leftovers<CodeNote> left = Leftovers.of(olds, news, n -> n.table().hashCode(), same);
        left.news()
                .forEach(n ->
                        differences.add(new Difference(n.table(), "has another entry about no code of the module")));
        left.olds()
                .forEach(n -> differences.add(new Difference(n.table(), "had an entry about no code of the module")));
    }
}
