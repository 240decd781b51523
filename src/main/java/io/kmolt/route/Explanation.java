package io.kmolt.route;

import java.util.List;

/**
 * The dispatcher of one function, for people.
 *
 * @param lines its instructions and labels, in their order
 * @param ways what a call costs, by where it goes: 0, which is the original, first
 */
public record Explanation(List<Line> lines, List<Way> ways) {
    public Explanation {
        lines = List.copyOf(lines);
        ways = List.copyOf(ways);
    }

    /**
     * An instruction, or a label, whose length is 0.
     *
     * @param offset in the code of all dispatchers
     * @param length in bytes
     * @param text in AT&T syntax
     * @param comment what it is about, or {@code ""}
     */
    public record Line(int offset, int length, String text, String comment) {
        @Override
        public String toString() {
            if (length == 0) {
                return text;
            }
            String line = "%5x:  %s".formatted(offset, text);
            return comment.isEmpty() ? line : "%-48s # %s".formatted(line, comment);
        }
    }

    /**
     * What a call executes on its way to an edition, from the call into the dispatcher to the jump or the return that leaves
     * it, both included. A return counts as one instruction, which it is where the kernel needs no thunk.
     *
     * @param edition its number, or 0 for the original
     * @param fewest instructions without counting
     * @param most the same, where it depends on what the route finds
     * @param counting how many more the counting of calls takes
     */
    public record Way(int edition, int fewest, int most, int counting) {
        /** As {@code to edition 1: 7} or {@code to the original: 6 to 9, and 2 for counting}. */
        @Override
        public String toString() {
            return "to " + (edition == 0 ? "the original" : "edition " + edition) + ": " + fewest
                    + (most == fewest ? "" : " to " + most)
                    + (counting == 0 ? "" : ", and " + counting + " for counting");
        }
    }

    /** The instructions, one a line, then the ways. */
    public String text() {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line).append('\n'));
        text.append("instructions per call:\n");
        ways.forEach(way -> text.append("  ").append(way).append('\n'));
        return text.toString();
    }
}
