package io.kmolt.edition;

import io.kmolt.swap.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A loaded update with editions, as the core's {@code describe} tells of it; see {@code docs/abi.md}.
 *
 * @param functions in the core's order, which is that of their routes
 */
record Description(List<Function> functions) {
    private static final int HEX = 16;

    /**
     * A function that has editions.
     *
     * @param label what people call it
     * @param address where it begins
     * @param marker address of its marker word
     * @param entry the dispatcher in force; 0 for none
     * @param gone whether its module was unloaded
     * @param codes by number; 0 is the original, of which only the counter counts
     */
    record Function(
            String label, long address, long marker, long entry, boolean gone, SortedMap<Integer, Code> codes) {}

    /**
     * An edition.
     *
     * @param address where it begins
     * @param counter its per-CPU word of hits, as an offset from the CPU's area
     */
    record Code(long address, long counter) {}

    static Description parse(Reply reply) {
        List<Function> functions = new ArrayList<>();
        for (Reply.Line line : reply.lines()) {
            String[] words = line.value().split(" ");
            if (line.name().equals("function")) {
                functions.add(new Function(
                        words[0],
                        number(words[1]),
                        number(words[2]),
                        number(words[3]),
                        words[4].equals("gone"),
                        new TreeMap<>()));
            } else if (line.name().equals("edition")) {
                functions
                        .getLast()
                        .codes()
                        .put(Integer.valueOf(words[0]), new Code(number(words[1]), number(words[2])));
            }
        }
        return new Description(List.copyOf(functions));
    }

    private static long number(String text) {
        return Long.parseUnsignedLong(text, HEX);
    }
}
