package io.kmolt.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the reader of the greeter device has heard. Names are signed as {@code Ada NUMBER} with a newline behind, by
 * which one sees the version: version 1 repeats the newline, version 2 leaves it out and numbers the guest.
 *
 * @param greetings all of them, in order
 * @param rest what comes behind the last complete greeting
 */
record GuestBook(List<Greeting> greetings, String rest) {
    private static final Pattern GREETING = Pattern.compile("Hello, Ada (\\d+)(?:\\n!|! You are guest (\\d+)\\.)\\n");

    /**
     * One greeting.
     *
     * @param signed the number in the name
     * @param version of the device that made it
     * @param guest how many had signed by then, as the device counts; version 1 does not say
     * @param text as it was read
     */
    record Greeting(long signed, int version, long guest, String text) {}

    static GuestBook parse(String text) {
        List<Greeting> greetings = new ArrayList<>();
        Matcher matcher = GREETING.matcher(text);
        int end = 0;
        while (end < text.length() && matcher.region(end, text.length()).lookingAt()) {
            boolean numbered = matcher.group(2) != null;
            long signed = Long.parseLong(matcher.group(1));
            long guest = numbered ? Long.parseLong(matcher.group(2)) : signed;
            greetings.add(new Greeting(signed, numbered ? 2 : 1, guest, matcher.group()));
            end = matcher.end();
        }
        return new GuestBook(List.copyOf(greetings), text.substring(end));
    }

    /** What is wrong with it; empty if every signature was heard once, in order, with its right number. */
    String problem() {
        for (int i = 0; i < greetings.size(); i++) {
            Greeting greeting = greetings.get(i);
            if (greeting.signed() != i + 1 || greeting.guest() != i + 1) {
                return "greeting " + (i + 1) + " is \"" + greeting.text().strip() + "\"";
            }
        }
        return rest.isEmpty() ? "" : "after " + greetings.size() + " greetings comes \"" + rest.strip() + "\"";
    }
}
