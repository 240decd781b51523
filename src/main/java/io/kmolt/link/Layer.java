package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.module.Item;
import io.kmolt.module.RunningModule;

/**
 * A build that is in the kernel already, seen from the new one: the base, or an edition that was swapped in since.
 *
 * @param running where it is
 * @param comparison it (old) and the new build (new)
 */
public record Layer(RunningModule running, Comparison comparison) {

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
