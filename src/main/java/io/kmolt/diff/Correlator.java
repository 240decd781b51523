package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
 *   <li><b>Users.</b> Among items of one stem, size and section kind, exactly one in each build is used by functions of
 *       these names.
 * </ol>
 *
 * <p>What has no evidence stays unmatched; nothing is matched by its order or its number. Bound: each round matches at
 * least one item or ends, and looks at each reference once: rounds × references; the stock ext4 takes three rounds.
 */
final class Correlator {
    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final Map<Item, Shape> oldShapes;
    private final Map<Item, Shape> newShapes;
    private final Correlation correlation = new Correlation();
    private final Set<Item> voted = new HashSet<>();
    private final Map<Item, Map<Item, Integer>> votes = new HashMap<>();
    private final Map<KernelModule, Map<Item, Set<String>>> users = new HashMap<>();

    private Correlator(
            KernelModule oldModule, KernelModule newModule, Map<Item, Shape> oldShapes, Map<Item, Shape> newShapes) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.oldShapes = oldShapes;
        this.newShapes = newShapes;
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
        } while (matchUnique(this::shapeKey, true) || matchUnique(this::usersKey, true));
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
                correlation.match(old.getFirst(), entry.getValue().getFirst());
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

    private boolean matchByUse() {
        for (Item newItem : newModule.items()) {
            Item oldItem = correlation.oldOf(newItem);
            if (oldItem != null && voted.add(newItem)) {
                vote(oldItem, newItem);
            }
        }
        boolean any = false;
        for (Map.Entry<Item, Map<Item, Integer>> entry : Map.copyOf(votes).entrySet()) {
            if (entry.getValue().size() != 1) {
                continue;
            }
            Item newItem = entry.getKey();
            Item oldItem = entry.getValue().keySet().iterator().next();
            if (correlation.isOpen(oldItem, newItem) && onlyVoter(oldItem, newItem)) {
                correlation.match(oldItem, newItem);
                any = true;
            }
        }
        return any;
    }

    private boolean onlyVoter(Item oldItem, Item newItem) {
        return votes.entrySet().stream()
                .noneMatch(e -> !e.getKey().equals(newItem) && e.getValue().containsKey(oldItem));
    }

    private void vote(Item oldItem, Item newItem) {
        if (oldItem.function()) {
            Shape oldShape = oldShapes.get(oldItem);
            Shape newShape = newShapes.get(newItem);
            if (oldShape != null && newShape != null && oldShape.matches(newShape)) {
                voteAll(oldShape.references(), newShape.references());
                voteAll(oldShape.keys(), newShape.keys());
            }
        } else if (oldItem.size() == newItem.size()) {
            List<Reference> olds = oldModule.references(oldItem);
            List<Reference> news = newModule.references(newItem);
            if (samePlaces(oldItem, olds, newItem, news)) {
                voteAll(olds, news);
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

    private void voteAll(List<Reference> olds, List<Reference> news) {
        for (int i = 0; i < olds.size(); i++) {
            if (olds.get(i).referent() instanceof Referent.InItem o
                    && news.get(i).referent() instanceof Referent.InItem n
                    && o.delta() == n.delta()
                    && isRelevant(o.item())
                    && isRelevant(n.item())
                    && o.delta() >= 0
                    && o.delta() <= Math.max(0, o.item().size() - 1)
                    && group(o.item()).equals(group(n.item()))) {
                votes.computeIfAbsent(n.item(), k -> new HashMap<>()).merge(o.item(), 1, Integer::sum);
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
                case Referent.Literal(int section, long offset, String text) ->
                    key.append(" \"").append(text).append('"');
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
