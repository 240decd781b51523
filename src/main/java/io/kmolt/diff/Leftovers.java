package io.kmolt.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * What two builds do not have in common of some sort of thing whose order does not count.
 *
 * @param olds what only the old build has
 * @param news what only the new build has
 */
record Leftovers<T>(List<T> olds, List<T> news) {

    /**
     * Pairs off what is equal.
     *
     * @param key a number that equal things have in common
     */
    static <T> Leftovers<T> of(List<T> olds, List<T> news, ToLongFunction<T> key, BiPredicate<T, T> same) {
        Map<Long, List<T>> open = new HashMap<>();
        olds.forEach(o ->
                open.computeIfAbsent(key.applyAsLong(o), k -> new ArrayList<>()).add(o));
        List<T> leftNews = new ArrayList<>();
        for (T n : news) {
            Iterator<T> candidates =
                    open.getOrDefault(key.applyAsLong(n), new ArrayList<>()).iterator();
            boolean found = false;
            while (!found && candidates.hasNext()) {
                T candidate = candidates.next();
                if (same.test(candidate, n)) {
                    candidates.remove();
                    found = true;
                }
            }
            if (!found) {
                leftNews.add(n);
            }
        }
        List<T> leftOlds = olds.stream()
                .filter(o -> open.getOrDefault(key.applyAsLong(o), List.of()).contains(o))
                .toList();
        return new Leftovers<>(leftOlds, leftNews);
    }

    boolean isEmpty() {
        return olds.isEmpty() && news.isEmpty();
    }

    boolean any(Predicate<T> ofOld, Predicate<T> ofNew) {
        return olds.stream().anyMatch(ofOld) || news.stream().anyMatch(ofNew);
    }
}
