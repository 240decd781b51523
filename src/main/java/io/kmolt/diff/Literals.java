package io.kmolt.diff;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When two string literals mean the same.
 *
 * <p>The name of a source file, with or without a line number ({@code __FILE__}, and {@code __FILE__ ":" __LINE__}, which
 * lockdep names the classes of static timers by), says where the build found its sources and how many lines are above; it
 * is the same if the last part of the path is.
 */
final class Literals {
    private static final Pattern SOURCE_PLACE = Pattern.compile("(?:[\\w.+-]*/)*([\\w.+-]+\\.[ch])(:\\d+)?");

    private Literals() {}

    static boolean same(String old, String now) {
        return old.equals(now) || place(old).equals(place(now));
    }

    /** The text, without what is above the file and the number of the line if it names a place in a source. */
    private static String place(String text) {
        Matcher source = SOURCE_PLACE.matcher(text);
        return source.matches() ? source.group(1) + (source.group(2) == null ? "" : ":") : text;
    }
}
