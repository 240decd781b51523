package io.kmolt.link;

/**
 * A linked update module.
 *
 * @param name the module's name
 * @param image the file to be loaded
 * @param slots how many words of the base it writes
 * @param redirects how many functions of the base it redirects
 * @param sharedObjects how many objects it has in common with what is in the kernel
 * @param sticky why it stays in memory after a revert, until its base is unloaded; empty if it does not
 */
public record Update(
        String name, byte[] image, int slots, int redirects, int sharedObjects, java.util.List<String> sticky) {}
