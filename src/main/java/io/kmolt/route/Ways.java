package io.kmolt.route;

import io.kmolt.route.Explanation.Way;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Counts the instructions from an item to each outcome, over all ways through the code, which has no loops. */
final class Ways {
    private final List<Item> items;
    private final Map<Mark, Integer> places = new HashMap<>();
    private final Map<Integer, SortedMap<Integer, Way>> known = new HashMap<>();

    private Ways(List<Item> items) {
        this.items = items;
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i) instanceof Item.Place place) {
                places.put(place.mark(), i);
            }
        }
    }

    /** The call that leads there counts as well. */
    static List<Way> from(Mark mark, List<Item> items) {
        Ways ways = new Ways(items);
        SortedMap<Integer, Way> found = new TreeMap<>();
        merge(found, ways.reached(ways.index(mark)), 1, 0);
        return List.copyOf(found.values());
    }

    private int index(Mark mark) {
        Integer index = places.get(mark);
        if (index == null) {
            throw new IllegalStateException("nothing is at " + mark);
        }
        return index;
    }

    private SortedMap<Integer, Way> reached(int item) {
        SortedMap<Integer, Way> ways = known.get(item);
        if (ways == null) {
            ways = compute(item);
            known.put(item, ways);
        }
        return ways;
    }

    private SortedMap<Integer, Way> compute(int item) {
        SortedMap<Integer, Way> ways = new TreeMap<>();
        switch (items.get(item)) {
            case Item.Fixed fixed -> {
                switch (fixed.after()) {
                    case Item.After.Next _ ->
                        merge(ways, reached(item + 1), fixed.counts() ? 0 : 1, fixed.counts() ? 1 : 0);
                    case Item.After.Outcome(int edition) -> ways.put(edition, new Way(edition, 1, 1, 0));
                    case Item.After.Elsewhere _ -> {}
                }
            }
            case Item.Jump jump -> {
                merge(ways, reached(index(jump.target())), 1, 0);
                if (jump.kind() != JumpKind.ALWAYS) {
                    merge(ways, reached(item + 1), 1, 0);
                }
            }
            case Item.Place _ -> merge(ways, reached(item + 1), 0, 0);
            case Item.Padding _ -> throw new IllegalStateException("a way leads into padding");
        }
        return ways;
    }

    private static void merge(SortedMap<Integer, Way> into, SortedMap<Integer, Way> ways, int more, int counting) {
        for (Way way : ways.values()) {
            Way longer = new Way(way.edition(), way.fewest() + more, way.most() + more, way.counting() + counting);
            into.merge(
                    way.edition(),
                    longer,
                    (a, b) -> new Way(
                            a.edition(),
                            Math.min(a.fewest(), b.fewest()),
                            Math.max(a.most(), b.most()),
                            Math.max(a.counting(), b.counting())));
        }
    }
}
