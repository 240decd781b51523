package io.kmolt.edition;

import java.util.List;

/**
 * Editions, linked onto a running kernel.
 *
 * @param name what people call the update
 * @param module name of its module
 * @param image the file to be loaded
 * @param functions the functions that get editions, in the descriptor's order
 * @param notes what an operator should know, although it does not stand in the way
 */
public record EditionUpdate(String name, String module, byte[] image, List<Function> functions, List<String> notes) {

    /**
     * A function that gets editions.
     *
     * @param label what people call it, unique in the update
     * @param name its name in the kernel
     * @param object the module that it is in; empty for vmlinux
     * @param address where it begins
     * @param editions by number
     */
    public record Function(String label, String name, String object, long address, List<Edition> editions) {}

    /**
     * An edition.
     *
     * @param number 1 to 255
     * @param name its name in C
     */
    public record Edition(int number, String name) {}
}
