package io.kmolt.cli;

import io.kmolt.diff.DataChange;
import io.kmolt.diff.FunctionChange;
import io.kmolt.diff.FunctionChange.Part;
import io.kmolt.diff.Reason;
import io.kmolt.diff.Refusal;
import io.kmolt.swap.BuildDiff;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Two builds side by side, for people. */
final class DiffText {
    private static final int MOST = 20;
    private static final int MOST_NAMES = 4;
    private static final int WIDEST_NAME = 32;

    private final PrintWriter out;
    private final BuildDiff diff;
    private final boolean all;

    private DiffText(PrintWriter out, BuildDiff diff, boolean all) {
        this.out = out;
        this.diff = diff;
        this.all = all;
    }

    /**
     * Prints everything; the verdict is the last line.
     *
     * @param all whether long lists are printed as a whole
     */
    static void print(PrintWriter out, BuildDiff diff, boolean all) {
        new DiffText(out, diff, all).print();
    }

    private void print() {
        out.printf("%s: %s → %s%n", diff.module(), id(diff.oldBuildId()), id(diff.newBuildId()));
        functions();
        data();
        limited(diff.others(), other -> "  also      " + other + "; a swap does not bring that in");
        new TypesText(out, all).print(diff.types());
        diff.notes().forEach(note -> out.println("  note      " + note));
        if (!diff.hooksTakeCareOf().isEmpty()) {
            out.println("  hooks     take care of " + String.join(", ", diff.hooksTakeCareOf()));
        }
        List<String> reasons = reasons(diff.reasons());
        if (reasons.size() > 1) {
            limited(reasons, reason -> "  refused   " + reason);
        }
        out.println(verdict(reasons));
    }

    private static String id(String buildId) {
        return buildId.isEmpty() ? "a build without build-id" : "build-id " + buildId;
    }

    private void functions() {
        List<String> counts = counts(diff.functions(), FunctionChange::state);
        counts.add(diff.sameFunctions().size() + " the same");
        out.println("  functions " + String.join(", ", counts));
        int width = width(diff.functions(), FunctionChange::name);
        limited(sorted(diff.functions(), FunctionChange::state), function -> function(function, width));
    }

    private String function(FunctionChange function, int width) {
        List<Part> parts = function.parts();
        String title = "    %-8s %s".formatted(lower(function.state()), pad(function.name(), width));
        if (parts.size() == 1 && parts.getFirst().symbol().equals(function.name())) {
            return title + "  " + part(parts.getFirst(), function.users(), " ".repeat(15 + width));
        }
        String users = function.users().isEmpty()
                ? ""
                : "  " + usedBy(function.users(), parts.getFirst().state());
        return Stream.concat(
                        Stream.of((title + users).stripTrailing()),
                        parts.stream()
                                .map(p -> "             %s  %s"
                                        .formatted(
                                                pad(suffix(p, function), width),
                                                part(p, List.of(), " ".repeat(15 + width)))))
                .collect(Collectors.joining(System.lineSeparator()));
    }

    private static String suffix(Part part, FunctionChange function) {
        return part.symbol().equals(function.name())
                ? part.symbol()
                : "  " + part.symbol().substring(function.name().length());
    }

    private String part(Part part, List<String> users, String indent) {
        return switch (part.state()) {
            case NEW, GONE ->
                "%s, %s%s"
                        .formatted(
                                lower(part.state()),
                                Texts.count(part.oldSize() + part.newSize(), "byte"),
                                users.isEmpty() ? "" : "; " + usedBy(users, part.state()));
            case CHANGED -> {
                String reason = part.reason().map(Reason::describe).orElse("");
                List<String> calls = new ArrayList<>();
                if (!part.callsNew().isEmpty()) {
                    calls.add("now calls " + names(part.callsNew()));
                }
                if (!part.callsNoMore().isEmpty()) {
                    calls.add("no longer calls " + names(part.callsNoMore()));
                }
                yield calls.isEmpty() ? reason : reason + System.lineSeparator() + indent + String.join("; ", calls);
            }
        };
    }

    private String usedBy(List<String> users, FunctionChange.State state) {
        return (state == FunctionChange.State.GONE ? "was called by " : "called by ") + names(users);
    }

    private String names(List<String> names) {
        return all || names.size() <= MOST_NAMES
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, MOST_NAMES)) + ", …";
    }

    private void data() {
        List<String> counts = counts(diff.data(), DataChange::state);
        counts.add(diff.sameData().size() + " the same");
        out.println("  data      " + String.join(", ", counts));
        int width = width(diff.data(), DataChange::name);
        limited(
                sorted(diff.data(), DataChange::state),
                d -> "    %-8s %s  %s".formatted(word(d.state()), pad(d.name(), width), d.text()));
    }

    private static String word(DataChange.State state) {
        return switch (state) {
            case INITIAL_VALUE -> "begins";
            case CONTENTS -> "contents";
            case RESIZED, NEW, GONE -> lower(state);
        };
    }

    /** Differences of one type are shown above, and are one reason here; so are many versions of symbols. */
    private List<String> reasons(List<Refusal> refusals) {
        List<String> versions = refusals.stream()
                .filter(r -> r.kind() == Refusal.Kind.SYMBOL_VERSION)
                .map(Refusal::subject)
                .toList();
        Set<String> reasons = new LinkedHashSet<>();
        for (Refusal refusal : refusals) {
            reasons.add(
                    switch (refusal.kind()) {
                        case TYPE_LAYOUT -> refusal.subject() + ": has another layout";
                        case SYMBOL_VERSION ->
                            versions.size() == 1 || all
                                    ? refusal.toString()
                                    : "%d kernel symbols: have other versions for the new build (CRCs): %s"
                                            .formatted(versions.size(), names(versions));
                        default -> refusal.toString();
                    });
        }
        return List.copyOf(reasons);
    }

    private String verdict(List<String> reasons) {
        return switch (diff.verdict()) {
            case SWAPPABLE -> "swappable";
            case NEEDS_HOOK -> "needs a hook for " + String.join(", ", diff.hooksNeededFor());
            case NOT_SWAPPABLE ->
                "not swappable because " + reasons.getFirst().replaceFirst(": ", " ")
                        + (reasons.size() == 1 ? "" : ", and for %s".formatted(more(reasons.size() - 1)));
        };
    }

    private static String more(int number) {
        return number + (number == 1 ? " more reason" : " more reasons");
    }

    // Lists.

    private static <T, E extends Enum<E>> List<String> counts(List<T> items, Function<T, E> state) {
        List<String> counts = new ArrayList<>();
        new TreeMap<>(items.stream().collect(Collectors.groupingBy(state, Collectors.counting())))
                .forEach((key, count) -> counts.add(count + " " + lower(key).replace('_', ' ')));
        return counts;
    }

    private static <T, E extends Enum<E>> List<T> sorted(List<T> items, Function<T, E> state) {
        return items.stream().sorted(Comparator.comparing(state)).toList();
    }

    private <T> void limited(List<T> items, Function<T, String> line) {
        int shown = all ? items.size() : Math.min(items.size(), MOST);
        items.subList(0, shown).forEach(item -> out.println(line.apply(item)));
        if (shown < items.size()) {
            out.printf("    … and %d more (-v shows all)%n", items.size() - shown);
        }
    }

    private static <T> int width(List<T> items, Function<T, String> name) {
        return items.stream()
                .mapToInt(item -> name.apply(item).length())
                .filter(length -> length <= WIDEST_NAME)
                .max()
                .orElse(0);
    }

    private static String pad(String text, int width) {
        return text.length() >= width ? text : text + " ".repeat(width - text.length());
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
