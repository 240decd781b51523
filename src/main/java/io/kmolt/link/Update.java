package io.kmolt.link;

import java.util.ArrayList;
import java.util.List;

/**
 * A linked update module.
 *
 * @param name the module's name
 * @param image the file to be loaded
 * @param slots how many words of the base it writes
 * @param redirects how many functions of the base it redirects
 * @param sharedObjects how many objects it has in common with what is in the kernel
 * @param notes what an operator should know about the change, although it does not stand in the way
 * @param sticky why it stays in memory after a revert, until its base is unloaded; empty if it does not
 */
public record Update(
        String name,
        byte[] image,
        int slots,
        int redirects,
        int sharedObjects,
        List<String> notes,
        List<String> sticky) {

    /** The same with more notes. */
    public Update noting(List<String> more) {
        List<String> all = new ArrayList<>(notes);
        all.addAll(more);
        return new Update(name, image, slots, redirects, sharedObjects, List.copyOf(all), sticky);
    }

    /** The same under the name of an edition that is loaded already. */
    public Update as(String otherName) {
        return new Update(otherName, image, slots, redirects, sharedObjects, notes, sticky);
    }
}
