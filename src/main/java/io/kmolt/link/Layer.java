package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Types;
import io.kmolt.module.Item;
import io.kmolt.module.RunningModule;

/**
 * A build that is in the kernel already, seen from the new one: the base, or an edition that was swapped in since.
 *
 * @param running where it is
 * @param comparison it (old) and the new build (new)
 * @param types what is known about the types of the two
 * @param held its functions that somebody else has
 */
public record Layer(RunningModule running, Comparison comparison, Types types, Held held) {

    /** One that nobody else is at. */
    public Layer(RunningModule running, Comparison comparison, Types types) {
        this(running, comparison, types, Held.NONE);
    }

    /** Whether somebody else has the site of one of its functions. */
    boolean isHeld(Item old) {
        return held.by().containsKey(old.name());
    }

    /** Who has the site of one of its functions, as the rest of a sentence; empty if nobody has. */
    String heldBy(Item old) {
        return isHeld(old)
                ? ": %s has its ftrace site until it is detached"
                        .formatted(held.by().get(old.name()))
                : "";
    }

    /** Whether what answers when one of its functions is called is not what the new build has. */
    boolean isChanged(Item old) {
        return comparison.isChanged(old) || isHeld(old);
    }

    /** Where an item of this layer's build is in the kernel. */
    long address(Item item) {
        return running.address(comparison.oldModule(), item)
                .orElseThrow(() -> new IllegalStateException("the kernel does not say where " + item.name() + " is"));
    }

    long address(int section, long offset) {
        return running.address(comparison.oldModule(), section, offset)
                .orElseThrow(() -> new IllegalStateException("the kernel does not say where section "
                        + comparison.oldModule().elf().sections().get(section).name() + " is"));
    }
}
