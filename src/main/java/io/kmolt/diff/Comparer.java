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
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Compares two builds of a module, function by function and word by word.
 *
 * <p>A function is the same if its shape is, and if every reference in it means the same: an item that continues the
 * same item, an equal literal, the same import. An object is the same if its words are. Equality is decided from the
 * objects up: a constant table whose numbers differ makes the functions that use it changed.
 *
 * <p>Bound: each byte and each reference is looked at once after correlation. Fallback: whatever is not proven the same
 * is changed. Limits: alternatives and exception tables are not compared; line numbers do not count.
 */
public final class Comparer {
    private static final int WORD = 8;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final Map<Item, Shape> oldShapes;
    private final Map<Item, Shape> newShapes;
    private final Correlation correlation;
    private final Map<Item, List<WordPair>> words = new HashMap<>();
    private final Set<Item> changedContents = new HashSet<>();

    private Comparer(KernelModule oldModule, KernelModule newModule) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.oldShapes = Shape.of(oldModule);
        this.newShapes = Shape.of(newModule);
        this.correlation = Correlator.correlate(oldModule, newModule, oldShapes, newShapes);
    }

    /** Compares two builds and decides whether the second may take over from the first while it is in use. */
    public static Comparison compare(KernelModule oldModule, KernelModule newModule, Types types) {
        Comparer comparer = new Comparer(oldModule, newModule);
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
                new ArrayList<>());
        comparison.refusals().addAll(new LinkedHashSet<>(Verdict.refusals(comparison, types)));
        return comparison;
    }

    private List<Item> onlyNew(List<Item> items) {
        return items.stream()
                .filter(i -> correlation.oldOf(i) == null && !Words.isHarmless(i))
                .toList();
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
        byte[] oldBytes = bytes(oldModule, oldItem);
        byte[] newBytes = bytes(newModule, newItem);
        Set<Long> referring = new TreeSet<>(olds.keySet());
        referring.addAll(news.keySet());
        List<WordPair> pairs = new ArrayList<>();
        Set<Long> covered = new HashSet<>();
        for (long offset : referring) {
            Reference o = olds.get(offset);
            Reference n = news.get(offset);
            int width = n != null ? n.width() : o != null ? o.width() : WORD;
            boolean same = o != null && n != null && o.width() == n.width() && equivalent(o, n);
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

    private static byte[] bytes(KernelModule module, Item item) {
        return Arrays.copyOfRange(module.content(item.section()), (int) item.offset(), (int) item.end());
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
        return item.kind().isCode() || item.kind() == SectionKind.INIT_TEXT;
    }

    private boolean same(Item oldItem, Item newItem) {
        Shape oldShape = oldShapes.get(oldItem);
        Shape newShape = newShapes.get(newItem);
        if (oldShape == null || newShape == null) {
            return oldItem.size() == 0 && newItem.size() == 0;
        }
        return oldShape.matches(newShape)
                && equivalent(oldShape.references(), newShape.references())
                && equivalent(oldShape.keys(), newShape.keys());
    }

    private boolean equivalent(List<Reference> olds, List<Reference> news) {
        for (int i = 0; i < olds.size(); i++) {
            if (!equivalent(olds.get(i), news.get(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean equivalent(Reference o, Reference n) {
        if (o.referent() instanceof Referent.InItem a && n.referent() instanceof Referent.InItem b) {
            return a.delta() == b.delta() && equivalent(a.item(), b.item());
        }
        if (o.referent() instanceof Referent.Literal a && n.referent() instanceof Referent.Literal b) {
            return Literals.same(a.text(), b.text());
        }
        if (o.referent() instanceof Referent.Anonymous a && n.referent() instanceof Referent.Anonymous b) {
            return a.kind() == b.kind()
                    && (a.kind() == SectionKind.METADATA || sameConstant(a, b) || sameSection(a, b));
        }
        return o.referent().equals(n.referent());
    }

    private boolean equivalent(Item oldItem, Item newItem) {
        if (correlation.matched(oldItem, newItem)) {
            return !changedContents.contains(oldItem);
        }
        boolean open = correlation.isOpen(oldItem, newItem) && oldItem.function() == newItem.function();
        if (!open || !oldItem.stem().equals(newItem.stem()) || oldItem.kind() != newItem.kind()) {
            return false;
        }
        // Constants are what they contain; data that only load-time code uses is never used again.
        return switch (oldItem.kind()) {
            case DEFINITION ->
                !Words.isTable(oldModule, oldItem)
                        && oldItem.size() == newItem.size()
                        && pairs(oldItem, newItem).stream().allMatch(WordPair::same);
            case INIT_DATA, METADATA, REGISTRATION -> true;
            default -> false;
        };
    }

    private boolean sameConstant(Referent.Anonymous a, Referent.Anonymous b) {
        if (a.kind() != SectionKind.CONSTANTS) {
            return false;
        }
        int size = (int) oldModule.elf().sections().get(a.section()).entsize();
        byte[] x = constant(oldModule, a, size);
        return x != null && Arrays.equals(x, constant(newModule, b, size));
    }

    /** Unnamed places at the same offset of sections with the same contents, which refer to nothing, are the same. */
    private boolean sameSection(Referent.Anonymous a, Referent.Anonymous b) {
        return a.offset() == b.offset()
                && a.kind() == SectionKind.DEFINITION
                && oldModule.references(a.section()).isEmpty()
                && newModule.references(b.section()).isEmpty()
                && Arrays.equals(oldModule.content(a.section()), newModule.content(b.section()));
    }

    private static byte @Nullable [] constant(KernelModule module, Referent.Anonymous place, int size) {
        byte[] content = module.content(place.section());
        long start = size == 0 ? -1 : place.offset() - place.offset() % size;
        boolean inside = start >= 0 && start + size <= content.length && start == place.offset();
        return inside ? Arrays.copyOfRange(content, (int) start, (int) start + size) : null;
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
