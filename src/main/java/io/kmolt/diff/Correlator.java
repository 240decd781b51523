package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;

/**
 * Finds which function or object of one build is which of the other.
 *
 * <p>The evidence, strongest first; each kind is used until it yields no more, then the next one is tried, and after any
 * success it begins again:
 *
 * <ol>
 *   <li><b>Name.</b> A name that the source chose and that stands once in each build.
 *   <li><b>Use.</b> Two functions (or objects) that are already matched and have the same shape refer, at the same
 *       place, to two items of the same stem. All such places must agree.
 *   <li><b>Shape.</b> Among functions of one name, exactly one in each build has this code and these imports and
 *       literals.
 *   <li><b>Contents.</b> Among constant objects of one stem and section kind, exactly one in each build has these bytes and
 *       refers to these things.
 *   <li><b>Users.</b> Among items of one stem, size and section kind, exactly one in each build is used by functions of
 *       these names.
 * </ol>
 *
 * <p>At last, what nobody can tell apart: constants that are equal and name nothing, and functions of the same shape that
 * nothing refers to. Of these any may be taken for any.
 *
 * <p>What else has no evidence stays unmatched; nothing is matched by its order or its number. A match votes once; a vote
 * that contradicts another one bars both.
 *
 * <p>Bound: each round matches at least one item or ends; each matched pair's references are looked at once, and what is
 * still open once in each round. The stock ext4 takes three rounds. Fallback: no match, which the verdict refuses where it
 * matters. Limits: two variables of one name, size and users, in functions that have both changed, are not told apart.
 */
final class Correlator {
    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final Map<Item, Shape> oldShapes;
    private final Map<Item, Shape> newShapes;
    private final KernelTies ties;
    private final Correlation correlation = new Correlation();
    /** New items that have been matched and have not voted yet. */
    private final Deque<Item> matched = new ArrayDeque<>();
    /** Which old items each new one may be, by the votes so far. */
    private final Map<Item, Set<Item>> votes = new HashMap<>();
    /** The same the other way round. */
    private final Map<Item, Set<Item>> votesFor = new HashMap<>();

    private final Map<KernelModule, Map<Item, Set<String>>> users = new HashMap<>();

    private Correlator(
            KernelModule oldModule, KernelModule newModule, Map<Item, Shape> oldShapes, Map<Item, Shape> newShapes) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.oldShapes = oldShapes;
        this.newShapes = newShapes;
        this.ties = new KernelTies(oldModule, newModule);
    }

    static Correlation correlate(
            KernelModule oldModule, KernelModule newModule, Map<Item, Shape> oldShapes, Map<Item, Shape> newShapes) {
        Correlator correlator = new Correlator(oldModule, newModule, oldShapes, newShapes);
        correlator.run();
        return correlator.correlation;
    }

    private void run() {
        matchUnique((module, item) -> item.isNumbered() ? "" : item.name(), false);
        do {
            while (matchByUse()) {}
        } while (matchUnique(this::shapeKey, true)
                || matchUnique(this::tableKey, true)
                || matchUnique(this::usersKey, true));
        matchAny(this::contentsKey);
        matchAny(this::unusedKey);
    }

    /** Matches what has the same key, any with any: of these nobody can tell which one he has. */
    private void matchAny(BiFunction<KernelModule, Item, String> key) {
        Map<String, List<Item>> olds = byKey(oldModule, key, true);
        Map<String, List<Item>> news = byKey(newModule, key, true);
        news.forEach((value, items) -> {
            List<Item> candidates = olds.getOrDefault(value, List.of());
            for (int i = 0; i < Math.min(items.size(), candidates.size()); i++) {
                match(candidates.get(i), items.get(i));
            }
        });
    }

    /** What a constant object holds, and what it names; empty for what is none. */
    private String tableKey(KernelModule module, Item item) {
        return item.function() || item.kind() != SectionKind.DEFINITION
                ? ""
                : "holds " + Makeup.of(module, item, ties, other -> group(other));
    }

    /** What a constant holds: numbers and literals; empty for anything else. */
    private String contentsKey(KernelModule module, Item item) {
        if (item.function() || item.kind() != SectionKind.DEFINITION) {
            return "";
        }
        StringBuilder key = new StringBuilder("is ");
        byte[] bytes = ties.untied(module, item);
        for (Reference reference : module.references(item)) {
            if (!(reference.referent() instanceof Referent.Literal literal)) {
                return "";
            }
            CodeNotes.clear(bytes, Shape.at(reference, reference.offset() - item.offset()));
            key.append(Shape.form(reference))
                    .append(ties.text(module, literal.text()))
                    .append('\0');
        }
        return key.append(new String(bytes, StandardCharsets.ISO_8859_1)).toString();
    }

    /** The shape of a function that nothing refers to, as the compiler leaves it where it has inlined all calls. */
    private String unusedKey(KernelModule module, Item item) {
        boolean unused = item.function() && !usersIn(module).containsKey(item);
        return unused ? shapeKey(module, item) : "";
    }

    private void match(Item oldItem, Item newItem) {
        correlation.match(oldItem, newItem);
        matched.add(newItem);
    }

    private static boolean isRelevant(Item item) {
        return item.function()
                || item.kind().isData()
                || item.kind() == SectionKind.STATIC_CALL_TEXT
                || item.kind() == SectionKind.THIS_MODULE;
    }

    /** What must be equal whatever the evidence is. */
    private static String group(Item item) {
        return (item.function() ? "f " : "o ") + item.kind() + " " + item.stem();
    }

    /** Matches what has a key, not empty, that is unique among what is still open in each build. */
    private boolean matchUnique(BiFunction<KernelModule, Item, String> key, boolean openOnly) {
        Map<String, List<Item>> olds = byKey(oldModule, key, openOnly);
        Map<String, List<Item>> news = byKey(newModule, key, openOnly);
        boolean any = false;
        for (Map.Entry<String, List<Item>> entry : news.entrySet()) {
            List<Item> old = olds.getOrDefault(entry.getKey(), List.of());
            if (old.size() == 1 && entry.getValue().size() == 1) {
                match(old.getFirst(), entry.getValue().getFirst());
                any = true;
            }
        }
        return any;
    }

    private Map<String, List<Item>> byKey(
            KernelModule module, BiFunction<KernelModule, Item, String> key, boolean openOnly) {
        Map<String, List<Item>> map = new HashMap<>();
        for (Item item : module.items()) {
            boolean open = module == oldModule ? correlation.newOf(item) == null : correlation.oldOf(item) == null;
            if (isRelevant(item) && (open || !openOnly)) {
                String value = key.apply(module, item);
                if (!value.isEmpty()) {
                    map.computeIfAbsent(group(item) + " " + value, k -> new ArrayList<>())
                            .add(item);
                }
            }
        }
        return map;
    }

    /** Lets everything that has been matched since the last time vote, and matches what the votes agree on. */
    private boolean matchByUse() {
        Set<Item> named = new LinkedHashSet<>();
        while (!matched.isEmpty()) {
            Item newItem = matched.remove();
            vote(Objects.requireNonNull(correlation.oldOf(newItem)), newItem, named);
        }
        boolean any = false;
        for (Item newItem : named) {
            Set<Item> olds = votes.getOrDefault(newItem, Set.of());
            Item oldItem = olds.iterator().next();
            boolean agreed =
                    olds.size() == 1 && votesFor.getOrDefault(oldItem, Set.of()).size() == 1;
            if (agreed && correlation.isOpen(oldItem, newItem)) {
                match(oldItem, newItem);
                any = true;
            }
        }
        return any;
    }

    private void vote(Item oldItem, Item newItem, Set<Item> named) {
        if (oldItem.function()) {
            Shape oldShape = oldShapes.get(oldItem);
            Shape newShape = newShapes.get(newItem);
            if (oldShape != null && newShape != null && oldShape.matches(newShape)) {
                voteAll(oldShape.references(), newShape.references(), named);
                if (oldShape.sameNotes(newShape)) {
                    for (int i = 0; i < oldShape.notes().size(); i++) {
                        voteAll(
                                oldShape.notes().get(i).references(),
                                newShape.notes().get(i).references(),
                                named);
                    }
                }
            }
        } else if (oldItem.size() == newItem.size()) {
            List<Reference> olds = oldModule.references(oldItem);
            List<Reference> news = newModule.references(newItem);
            if (samePlaces(oldItem, olds, newItem, news)) {
                voteAll(olds, news, named);
            }
        }
    }

    private static boolean samePlaces(Item oldItem, List<Reference> olds, Item newItem, List<Reference> news) {
        if (olds.size() != news.size()) {
            return false;
        }
        for (int i = 0; i < olds.size(); i++) {
            if (olds.get(i).offset() - oldItem.offset() != news.get(i).offset() - newItem.offset()) {
                return false;
            }
        }
        return true;
    }

    private void voteAll(List<Reference> olds, List<Reference> news, Set<Item> named) {
        for (int i = 0; i < olds.size(); i++) {
            if (olds.get(i).referent() instanceof Referent.InItem o
                    && news.get(i).referent() instanceof Referent.InItem n
                    && o.delta() == n.delta()
                    && isRelevant(o.item())
                    && isRelevant(n.item())
                    && o.delta() >= 0
                    && o.delta() <= Math.max(0, o.item().size() - 1)
                    && group(o.item()).equals(group(n.item()))) {
                votes.computeIfAbsent(n.item(), k -> new HashSet<>()).add(o.item());
                votesFor.computeIfAbsent(o.item(), k -> new HashSet<>()).add(n.item());
                named.add(n.item());
            }
        }
    }

    /** Code, imports and literals of a function; empty for objects. */
    private String shapeKey(KernelModule module, Item item) {
        Shape shape = (module == oldModule ? oldShapes : newShapes).get(item);
        if (shape == null) {
            return "";
        }
        StringBuilder key = new StringBuilder("shape ").append(Arrays.hashCode(shape.code()));
        key.append(' ').append(shape.code().length);
        for (Reference reference : shape.references()) {
            switch (reference.referent()) {
                case Referent.Import(String name) -> key.append(' ').append(name);
                case Referent.Literal literal ->
                    key.append(" \"").append(ties.text(module, literal.text())).append('"');
                case Referent.InItem(Item other, long delta) ->
                    key.append(' ').append(other.stem()).append('+').append(delta);
                case Referent.Anonymous _, Referent.Absolute _ -> key.append(" ?");
            }
        }
        return key.toString();
    }

    /** Size and users of an item; empty if it has none. */
    private String usersKey(KernelModule module, Item item) {
        Set<String> names = usersIn(module).get(item);
        return names == null ? "" : "users " + (item.function() ? 0 : item.size()) + " " + names;
    }

    private Map<Item, Set<String>> usersIn(KernelModule module) {
        return users.computeIfAbsent(module, m -> {
            Map<Item, Set<String>> map = new HashMap<>();
            for (Item user : m.items()) {
                for (Reference reference : m.references(user)) {
                    if (reference.referent() instanceof Referent.InItem in
                            && !in.item().equals(user)) {
                        map.computeIfAbsent(in.item(), k -> new TreeSet<>()).add(user.stem());
                    }
                }
            }
            return map;
        });
    }
}
