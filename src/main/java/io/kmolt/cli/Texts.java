package io.kmolt.cli;

import io.kmolt.swap.LoadedEdition;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Phrases that several commands print. */
final class Texts {
    private static final int MOST_NAMES = 6;

    private Texts() {}

    /** How many things there are and which: all with -v, else the first few; nothing if there are none. */
    static void names(PrintWriter out, String title, String what, List<String> names, boolean all) {
        if (names.isEmpty()) {
            return;
        }
        int shown = all ? names.size() : Math.min(names.size(), MOST_NAMES);
        out.printf(
                "  %-9s %s: %s%s%n",
                title,
                count(names.size(), what),
                String.join(", ", names.subList(0, shown)),
                shown < names.size() ? ", … (-v shows all)" : "");
    }

    /** {@code 1 edition}, {@code 2 editions}. */
    static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    /** What tells a build from others. */
    static String build(String buildId, String version, String srcversion) {
        return Stream.of(
                        buildId.isEmpty() ? "no build-id" : "build-id " + buildId,
                        version.isEmpty() ? "" : "version " + version,
                        srcversion.isEmpty() ? "" : "srcversion " + srcversion)
                .filter(text -> !text.isEmpty())
                .collect(Collectors.joining(", "));
    }

    static String answers(String who) {
        return who.equals("base") ? "the base answers" : who + " answers";
    }

    /** One line for each edition. */
    static void editions(PrintWriter out, List<LoadedEdition> editions) {
        for (LoadedEdition edition : editions) {
            out.printf(
                    "  edition   %s: %s, after %s, %s%n",
                    edition.name(),
                    edition.state(),
                    edition.previous().equals("base") ? "the base" : edition.previous(),
                    build(edition.buildId(), edition.version(), edition.srcversion()));
            out.printf(
                    "            %s%s, %s%s%n",
                    edition.pauseNanos() == 0 ? "" : "paused %.3f ms, ".formatted(edition.pauseNanos() / 1e6),
                    count(edition.slots(), "table word"),
                    count(edition.redirects(), "redirect"),
                    edition.sticky() ? ", sticky: stays in memory after a revert" : "");
        }
    }
}
