package io.kmolt.diff;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.Comparison.Place;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;

/**
 * Compares two builds of a module, function by function and word by word.
 *
 * <p>Algorithm:
 *
 * <ol>
 *   <li>{@link Shape} takes each function apart into code, what it refers to, and what tables say about it ({@link
 *       CodeNotes}).
 *   <li>{@link Correlator} finds which item is which.
 *   <li>Objects are compared word by word, then functions. Each is the same if its bytes are and if every reference in it
 *       means the same ({@link Meaning}): an item that continues the same item, an equal literal, the same import.
 *       Equality is decided from the objects up: a constant table whose numbers differ makes the functions that use it
 *       changed.
 *   <li>{@link Remains} and {@link Manifest} compare what is neither: every byte that is loaded belongs to a function, an
 *       object, a table about code, or is looked at there.
 * </ol>
 *
 * <p>Bound: each byte and each reference is looked at once after correlation; contents without an identity once for each
 * reference to them. Fallback: whatever is not proven the same is changed. Limits: line numbers that are
 * known to be such ({@link LineNumbers}), those in warnings, the folders of source files and padding do not count. docs/limits.md has the whole list.
 */
public final class Comparer {
    private static final int WORD = 8;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final CodeNotes oldNotes;
    private final CodeNotes newNotes;
    private final LineNumbers lines;
    private final Map<Item, Shape> oldShapes;
    private final Map<Item, Shape> newShapes;
    private final KernelTies ties;
    private final Correlation correlation;
    private final Meaning meaning;
    private final Map<Item, List<WordPair>> words = new HashMap<>();
    private final Set<Item> changedContents = new HashSet<>();

    private Comparer(KernelModule oldModule, KernelModule newModule, Types types) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.oldNotes = new CodeNotes(oldModule);
        this.newNotes = new CodeNotes(newModule);
        this.lines = new LineNumbers(oldModule, newModule, types);
        this.oldShapes = Shape.of(oldModule, oldNotes, lines);
        this.newShapes = Shape.of(newModule, newNotes, lines);
        lines.clearMoved(oldShapes, newShapes);
        this.ties = new KernelTies(oldModule, newModule);
        this.correlation = Correlator.correlate(oldModule, newModule, oldShapes, newShapes);
        this.meaning =
                new Meaning(oldModule, newModule, oldNotes, newNotes, ties, correlation, changedContents::contains);
    }

    /** Compares two builds and decides whether the second may take over from the first while it is in use. */
    public static Comparison compare(KernelModule oldModule, KernelModule newModule, Types types) {
        Comparer comparer = new Comparer(oldModule, newModule, types);
        Map<Item, Change> objects = comparer.compareObjects();
        Map<Item, Change> functions = comparer.compareFunctions();
        Comparison comparison = new Comparison(
                oldModule,
                newModule,
                comparer.correlation,
                functions,
                objects,
                comparer.onlyNew(newModule.items().stream()
                        .filter(i -> i.function() && isCode(i))
                        .toList()),
                comparer.onlyNew(newModule.objects()),
                comparer.words,
                comparer.escaping(),
                comparer.tabled(),
                exported(oldModule),
                comparer.counterparts(),
                comparer.lines,
                comparer.meaning::same,
                new ArrayList<>(),
                new ArrayList<>());
        Set<Refusal> refusals = new LinkedHashSet<>(Rules.refusals(comparison, types));
        if (oldModule.name().equals(newModule.name())) {
            comparer.compareTheRest(comparison.others(), refusals);
        }
        comparison.refusals().addAll(refusals);
        return comparison;
    }

    private List<Item> onlyNew(List<Item> items) {
        return items.stream()
                .filter(i -> correlation.oldOf(i) == null && !Words.isHarmless(i))
                .toList();
    }

    /** What is neither function nor object. */
    private void compareTheRest(List<Difference> differences, Set<Refusal> refusals) {
        Remains remains = new Remains(oldModule, newModule, correlation, meaning);
        remains.compare(oldNotes.loose(), newNotes.loose());
        differences.addAll(remains.differences());
        refusals.addAll(remains.refusals());
        if (oldModule.isLoadable() && newModule.isLoadable()) {
            Manifest manifest = new Manifest(oldModule, newModule);
            manifest.compare();
            differences.addAll(manifest.differences());
            refusals.addAll(manifest.refusals());
        }
    }

    // Objects.

    private Map<Item, Change> compareObjects() {
        Map<Item, Change> changes = new LinkedHashMap<>();
        for (Item newItem : newModule.objects()) {
            Item oldItem = correlation.oldOf(newItem);
            if (oldItem != null && oldItem.size() == newItem.size()) {
                words.put(newItem, pairs(oldItem, newItem));
            }
        }
        for (Item newItem : newModule.objects()) {
            Item oldItem = correlation.oldOf(newItem);
            if (oldItem == null) {
                continue;
            }
            List<WordPair> pairs = words.get(newItem);
            boolean same = pairs != null && pairs.stream().allMatch(WordPair::same);
            changes.put(oldItem, same ? Change.SAME : Change.CHANGED);
            if (!same) {
                changedContents.add(oldItem);
            }
        }
        for (Item oldItem : oldModule.objects()) {
            if (correlation.newOf(oldItem) == null && !Words.isHarmless(oldItem)) {
                changes.put(oldItem, Change.GONE);
            }
        }
        return changes;
    }

    private List<WordPair> pairs(Item oldItem, Item newItem) {
        Map<Long, Reference> olds = byOffset(oldModule, oldItem);
        Map<Long, Reference> news = byOffset(newModule, newItem);
        byte[] oldBytes = ties.untied(oldModule, oldItem);
        byte[] newBytes = ties.untied(newModule, newItem);
        Set<Long> referring = new TreeSet<>(olds.keySet());
        referring.addAll(news.keySet());
        List<WordPair> pairs = new ArrayList<>();
        Set<Long> covered = new HashSet<>();
        for (long offset : referring) {
            Reference o = olds.get(offset);
            Reference n = news.get(offset);
            int width = n != null ? n.width() : o != null ? o.width() : WORD;
            boolean same = o != null && n != null && Shape.sameForm(o, n) && meaning.same(o, n);
            pairs.add(new WordPair(
                    offset, width, o, n, number(oldBytes, offset, width), number(newBytes, offset, width), same));
            for (long i = offset; i < offset + width; i++) {
                covered.add(i);
            }
        }
        addNumbers(oldItem, oldBytes, newBytes, covered, pairs);
        return pairs;
    }

    /** Adds the words that no relocation fills and whose numbers differ; words count from the section's beginning. */
    private static void addNumbers(
            Item item, byte[] oldBytes, byte[] newBytes, Set<Long> covered, List<WordPair> pairs) {
        long start = -(item.offset() % WORD);
        for (long offset = start; offset < item.size(); offset += WORD) {
            long from = Math.max(0, offset);
            int width = (int) (Math.min(item.size(), offset + WORD) - from);
            boolean differs = false;
            for (long i = from; i < from + width; i++) {
                differs |= !covered.contains(i) && oldBytes[(int) i] != newBytes[(int) i];
            }
            if (differs) {
                pairs.add(new WordPair(
                        from, width, null, null, number(oldBytes, from, width), number(newBytes, from, width), false));
            }
        }
    }

    private static Map<Long, Reference> byOffset(KernelModule module, Item item) {
        Map<Long, Reference> map = new HashMap<>();
        module.references(item).forEach(r -> map.put(r.offset() - item.offset(), r));
        return map;
    }

    private static long number(byte[] bytes, long offset, int width) {
        byte[] word = new byte[WORD];
        System.arraycopy(bytes, (int) offset, word, 0, Math.min(width, bytes.length - (int) offset));
        return ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    // Functions.

    private Map<Item, Change> compareFunctions() {
        Map<Item, Change> changes = new LinkedHashMap<>();
        for (Item newItem : newModule.items()) {
            if (newItem.function() && isCode(newItem)) {
                Item oldItem = correlation.oldOf(newItem);
                if (oldItem != null) {
                    changes.put(oldItem, same(oldItem, newItem) ? Change.SAME : Change.CHANGED);
                }
            }
        }
        for (Item oldItem : oldModule.items()) {
            if (oldItem.function() && isCode(oldItem) && correlation.newOf(oldItem) == null) {
                changes.put(oldItem, Change.GONE);
            }
        }
        return changes;
    }

    private static boolean isCode(Item item) {
        return item.kind().isCode()
                || item.kind() == SectionKind.INIT_TEXT
                || item.kind() == SectionKind.STATIC_CALL_TEXT;
    }

    private boolean same(Item oldItem, Item newItem) {
        Shape oldShape = oldShapes.get(oldItem);
        Shape newShape = newShapes.get(newItem);
        if (oldShape == null || newShape == null) {
            return oldItem.size() == 0 && newItem.size() == 0;
        }
        return oldShape.matches(newShape)
                && oldShape.sameNotes(newShape)
                && meaning.same(oldShape.references(), newShape.references())
                && meaning.sameNotes(oldShape.notes(), newShape.notes());
    }

    private Map<Place, Reference> counterparts() {
        Map<Place, Reference> counterparts = new HashMap<>();
        for (Item newItem : newModule.items()) {
            Item oldItem = correlation.oldOf(newItem);
            if (oldItem == null || !sameShape(oldItem, newItem)) {
                continue;
            }
            List<Reference> olds = oldModule.references(oldItem);
            List<Reference> news = newModule.references(newItem);
            for (int i = 0; i < news.size(); i++) {
                counterparts.put(new Place(newItem.section(), news.get(i).offset()), olds.get(i));
            }
        }
        return counterparts;
    }

    private boolean sameShape(Item oldItem, Item newItem) {
        if (newItem.function()) {
            Shape oldShape = oldShapes.get(oldItem);
            Shape newShape = newShapes.get(newItem);
            return oldShape != null && newShape != null && oldShape.matches(newShape);
        }
        List<WordPair> pairs = words.get(newItem);
        return pairs != null && pairs.stream().allMatch(p -> (p.oldReference() == null) == (p.newReference() == null));
    }

    // What the old build has given away.

    private Set<Item> escaping() {
        return given((section, reference) -> reference.use() == Reference.Use.ADDRESS
                || (reference.use() == Reference.Use.WORD && !isRewritten(section, reference)));
    }

    private Set<Item> tabled() {
        return given((section, reference) -> reference.use() == Reference.Use.WORD && isRewritten(section, reference));
    }

    private Set<Item> given(BiPredicate<ElfSection, Reference> how) {
        Set<Item> given = new HashSet<>();
        for (ElfSection section : oldModule.elf().sections()) {
            if (mayStoreAddresses(oldModule.kind(section.index()))) {
                for (Reference reference : oldModule.references(section.index())) {
                    if (reference.referent() instanceof Referent.InItem in
                            && in.item().function()
                            && in.item().kind() == SectionKind.TEXT
                            && in.delta() == 0
                            && how.test(section, reference)) {
                        given.add(in.item());
                    }
                }
            }
        }
        return given;
    }

    /** Whether it stands in a read-only table that both builds have in the same size. */
    private boolean isRewritten(ElfSection section, Reference reference) {
        Item table = oldModule.at(section.index(), reference.offset());
        Item continued = table == null ? null : correlation.newOf(table);
        return oldModule.kind(section.index()) == SectionKind.DEFINITION
                && table != null
                && continued != null
                && table.size() == continued.size();
    }

    private static boolean mayStoreAddresses(SectionKind kind) {
        return switch (kind) {
            case TEXT, INIT_TEXT, EXIT_TEXT, STATE, PERCPU, DEFINITION, TRACE, INIT_DATA, REGISTRATION -> true;
            default -> false;
        };
    }

    private static Set<String> exported(KernelModule module) {
        Set<String> names = new TreeSet<>();
        for (ElfSection section : module.elf().sections()) {
            if (section.name().equals("__ksymtab") || section.name().equals("__ksymtab_gpl")) {
                for (Reference reference : module.references(section.index())) {
                    if (reference.referent() instanceof Referent.InItem in && in.delta() == 0) {
                        names.add(in.item().name());
                    }
                }
            }
        }
        return names;
    }
}
