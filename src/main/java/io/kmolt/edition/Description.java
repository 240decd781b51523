package io.kmolt.edition;

import io.kmolt.swap.Reply;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A loaded update with editions, as the core's {@code describe} tells of it; see {@code docs/abi.md}.
 *
 * @param routes the module with the routes in force; empty for none
 * @param functions in the core's order, which is that of their routes
 */
record Description(String routes, List<Function> functions) {
    private static final int HEX = 16;

    /** The route that leads all calls to the original. */
    static final String NONE = "0";

    /**
     * A function that has editions.
     *
     * @param label what people call it
     * @param address where it begins
     * @param marker address of its marker word
     * @param entry the dispatcher in force; 0 for none
     * @param gone whether its module was unloaded
     * @param route the route in force, as it was typed; {@code 0} for none
     * @param codes by number; 0 is the original, of which only the counter counts
     */
    record Function(
            String label,
            long address,
            long marker,
            long entry,
            boolean gone,
            String route,
            SortedMap<Integer, Code> codes) {

        private Function by(String other) {
            return new Function(label, address, marker, entry, gone, other, codes);
        }
    }

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
                        NONE,
                        new TreeMap<>()));
            } else if (line.name().equals("route")) {
                functions.add(functions.removeLast().by(line.value()));
            } else if (line.name().equals("edition")) {
                functions
                        .getLast()
                        .codes()
                        .put(Integer.valueOf(words[0]), new Code(number(words[1]), number(words[2])));
            }
        }
        return new Description(reply.value("routes", "none").replaceFirst("^none$", ""), List.copyOf(functions));
    }

    /** Whether all calls go to the originals. */
    boolean withoutRoutes() {
        return routes.isEmpty();
    }

    /** The routes in force, by the functions' labels; none for those that are gone. */
    SequencedMap<String, String> inForce() {
        SequencedMap<String, String> texts = new LinkedHashMap<>();
        functions.forEach(function -> texts.put(function.label(), function.gone() ? NONE : function.route()));
        return texts;
    }

    private static long number(String text) {
        return Long.parseUnsignedLong(text, HEX);
    }
}
