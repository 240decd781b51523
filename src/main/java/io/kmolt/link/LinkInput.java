package io.kmolt.link;

import io.kmolt.module.KernelModule;
import java.util.List;

/**
 * All that an update is linked from.
 *
 * @param name name of the update module
 * @param bootId the boot that it is for
 * @param from name of the update module whose edition answers now; empty if the base does
 * @param edition the new build
 * @param layers what answers or is called from there: the base first, then the editions in the order of their commits
 * @param reverted editions that no longer answer, but whose code tasks may still be in
 * @param core the core's file, of the build that is loaded
 * @param pads whether tables lead to functions through pads
 */
public record LinkInput(
        String name,
        String bootId,
        String from,
        KernelModule edition,
        List<Layer> layers,
        List<Layer> reverted,
        KernelModule core,
        Pads pads) {

    /** Tables lead to functions directly, and nothing was reverted. */
    public LinkInput(
            String name, String bootId, String from, KernelModule edition, List<Layer> layers, KernelModule core) {
        this(name, bootId, from, edition, layers, List.of(), core, Pads.NONE);
    }

    Layer base() {
        return layers.getFirst();
    }

    /** The build that answers now. */
    Layer current() {
        return layers.getLast();
    }
}
