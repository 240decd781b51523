package io.kmolt.diff;

import io.kmolt.module.Item;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which function or object of one build is which of the other. */
public final class Correlation {
    private final Map<Item, Item> toOld = new HashMap<>();
    private final Map<Item, Item> toNew = new HashMap<>();

    Correlation() {}

    void match(Item oldItem, Item newItem) {
        toOld.put(newItem, oldItem);
        toNew.put(oldItem, newItem);
    }

    /** The old build's item that a new one continues, or null. */
    public @Nullable Item oldOf(Item newItem) {
        return toOld.get(newItem);
    }

    /** The new build's item that continues an old one, or null. */
    public @Nullable Item newOf(Item oldItem) {
        return toNew.get(oldItem);
    }

    boolean matched(Item oldItem, Item newItem) {
        return oldItem.equals(toOld.get(newItem));
    }

    boolean isOpen(Item oldItem, Item newItem) {
        return !toNew.containsKey(oldItem) && !toOld.containsKey(newItem);
    }
}
