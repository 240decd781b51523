package io.kmolt.link;

import io.kmolt.diff.Types;
import io.kmolt.module.KernelModule;
import java.util.List;

/**
 * All that an update is linked from.
 *
 * @param name name of the update module
 * @param bootId the boot that it is for
 * @param from name of the update module whose edition answers now; empty if the base does
 * @param edition the new build
 * @param layers what is in the kernel already: the base first, then the editions in the order of their commits
 * @param core the core's file, of the build that is loaded
 * @param types what is known about the types of the base's build and the new one
 */
public record LinkInput(
        String name,
        String bootId,
        String from,
        KernelModule edition,
        List<Layer> layers,
        KernelModule core,
        Types types) {

    Layer base() {
        return layers.getFirst();
    }

    /** The build that answers now. */
    Layer current() {
        return layers.getLast();
    }
}
