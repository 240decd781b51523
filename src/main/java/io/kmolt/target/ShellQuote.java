package io.kmolt.target;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Text as words of a POSIX shell. */
public final class ShellQuote {
    private ShellQuote() {}

    /** One word in single quotes; an embedded quote becomes {@code '\''}. */
    public static String word(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a shell word cannot hold a NUL character");
        }
        return "'" + text.replace("'", "'\\''") + "'";
    }

    /** Several words, separated by spaces. */
    public static String words(List<String> words) {
        return words.stream().map(ShellQuote::word).collect(Collectors.joining(" "));
    }

    /** Splits a module parameter string at spaces outside double quotes, as the kernel does. */
    static List<String> splitParameters(String params) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < params.length(); i++) {
            char c = params.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            }
            if (!quoted && Character.isWhitespace(c)) {
                if (!word.isEmpty()) {
                    words.add(word.toString());
                    word.setLength(0);
                }
            } else {
                word.append(c);
            }
        }
        if (!word.isEmpty()) {
            words.add(word.toString());
        }
        return words;
    }
}
