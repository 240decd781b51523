package io.kmolt.diff;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When two string literals mean the same: line numbers, and where a source lay when it was compiled, do not count.
 *
 * <ul>
 *   <li>The name of a source file, with or without a line number: {@code __FILE__}, and {@code __FILE__ ":" __LINE__},
 *       which lockdep names the classes of static timers by. Only the last part of the path counts.
 *   <li>The same behind the name of a field, as {@code include/linux/fortify-string.h} has it.
 *   <li>What AddressSanitizer says of the variables in a function's frame, for KASAN's reports: how many, and of each {@code
 *       OFFSET SIZE LENGTH NAME:LINE}, the third being the length of the last (asan_emit_stack_protection in gcc/asan.cc).
 * </ul>
 */
final class Literals {
    private static final Pattern SOURCE_PLACE =
            Pattern.compile("(field \".*\" at )?(?:[\\w.+-]*/)*([\\w.+-]+\\.[ch])(:\\d+)?");
    private static final Pattern FRAME = Pattern.compile("\\d+(?: \\d+ \\d+ \\d+ \\S+)+ ?");
    private static final Pattern VARIABLE = Pattern.compile(" (\\d+ \\d+) \\d+ ([^ :]+)(?::\\d+)?");

    private Literals() {}

    static boolean same(String old, String now) {
        return old.equals(now) || meaning(old).equals(meaning(now));
    }

    /** What is left of a text that names a place in a source file; else the text. */
    static String meaning(String text) {
        Matcher source = SOURCE_PLACE.matcher(text);
        if (source.matches()) {
            return source.replaceFirst("$1$2" + (source.group(3) == null ? "" : ":"));
        }
        return FRAME.matcher(text).matches() ? VARIABLE.matcher(text).replaceAll(" $1 $2") : text;
    }
}
