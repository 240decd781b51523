package io.kmolt.cli;

import io.kmolt.swap.AttachedUser;
import io.kmolt.swap.JournalEntry;
import io.kmolt.swap.LoadedEdition;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.SwappedModule;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
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

    /** One line for each who is attached to functions, and what becomes of him. */
    static void attached(PrintWriter out, List<AttachedUser> users, boolean all) {
        int shown = all ? users.size() : Math.min(users.size(), MOST_NAMES);
        users.subList(0, shown).forEach(u -> out.printf("  attached  %s: %s%n", u.where(), u.fate()));
        if (shown < users.size()) {
            out.printf("  attached  %d more (-v shows all)%n", users.size() - shown);
        }
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

    /** Who did what an entry of a journal tells. */
    static String who(JournalEntry entry) {
        return "uid " + entry.get("uid")
                + (entry.get("sudoUser").isEmpty() ? "" : " (sudo: " + entry.get("sudoUser") + ")")
                + ", from " + entry.get("client")
                + (entry.get("holder").isEmpty()
                        ? ""
                        : ", pid " + entry.get("holder").replaceFirst(" ", " (") + ")");
    }

    static String answers(String who) {
        return who.equals("base") ? "the base answers" : who + " answers";
    }

    /** What answers after one revert, after two, and so on. */
    static String wayBack(SwappedModule module) {
        List<String> names = new ArrayList<>(module.chain().reversed().stream()
                .skip(1)
                .map(LoadedEdition::name)
                .toList());
        names.add("the base");
        return String.join(", then ", names);
    }

    /** Why an edition that is no longer needed to go back to would stay; empty if it would not. */
    private static String stays(LoadedEdition edition) {
        return switch (edition.stays()) {
            case "sticky" -> ", sticky: stays in memory after a revert";
            case "prepared" -> ", stays: its prepare hook has run";
            case "used" -> ", stays: later builds use what it brought";
            case "held" -> ", stays: a reverted build leads its callers here";
            case "dropped" -> ", was dropped: somebody else keeps it loaded";
            default -> "";
        };
    }

    /** One line for each edition. */
    static void editions(PrintWriter out, List<LoadedEdition> editions) {
        for (LoadedEdition edition : editions) {
            out.printf(
                    "  edition   %s: %s, after %s%s, %s%n",
                    edition.name(),
                    edition.state(),
                    edition.previous().equals("base") ? "the base" : edition.previous(),
                    edition.passesOver() == 0 ? "" : ", %d below it dropped".formatted(edition.passesOver()),
                    build(edition.buildId(), edition.version(), edition.srcversion()));
            out.printf(
                    "            %s%s, %s%s%n",
                    edition.pauseNanos() == 0 ? "" : "paused %.3f ms, ".formatted(edition.pauseNanos() / 1e6),
                    count(edition.slots(), "table word"),
                    count(edition.redirects(), "redirect"),
                    stays(edition));
        }
    }

    /** One line for an update with editions of functions, and two for each function. */
    static void functions(PrintWriter out, LoadedEditions editions) {
        out.printf(
                "%s: %s with editions%n",
                editions.name(), count(editions.functions().size(), "function"));
        for (EditedFunction function : editions.functions()) {
            out.printf("  %s: %s%n", function.label(), route(function));
            out.printf("    calls   %s%n", calls(function.hits()));
        }
    }

    private static String route(EditedFunction function) {
        return switch (function.state()) {
            case "gone" -> "gone with its module";
            case "routed" -> "routed by " + function.route();
            default -> "all calls go to the original";
        };
    }

    private static String calls(SortedMap<Integer, Long> hits) {
        return hits.entrySet().stream()
                .map(hit -> (hit.getKey() == 0 ? "original" : "edition " + hit.getKey()) + ": " + hit.getValue())
                .collect(Collectors.joining(", "));
    }
}
