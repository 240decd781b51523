package io.kmolt.demo;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/** Tells people what happens, a line for each thing, with the seconds since the beginning. Plain text. */
final class Timeline {
    private final PrintWriter out;
    private final long start = System.nanoTime();

    Timeline(PrintWriter out) {
        this.out = out;
    }

    /** A part begins. */
    void part(String title) {
        print("");
        print(title);
        print("");
    }

    /** Something happens. */
    void event(String what, String text) {
        print(String.format(Locale.ROOT, "%7.1f s  %-8s  %s", elapsed().toMillis() / 1e3, what, text));
    }

    /** More about the last event. */
    void more(String text) {
        print(" ".repeat(21) + text);
    }

    void print(String line) {
        out.println(line);
        out.flush();
    }

    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }
}
