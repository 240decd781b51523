package io.kmolt.cli;

import io.kmolt.btf.LayoutDifference.Kind;
import io.kmolt.btf.LayoutDifference.Place;
import io.kmolt.swap.TypesDiff;
import io.kmolt.swap.TypesDiff.Difference;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where the types of two builds differ, for people: type by type, and in each member by member. */
final class TypesText {
    private static final int MOST = 40;
    private static final int BYTE = 8;
    private static final Place NOWHERE = new Place(0, 0, "");

    private final PrintWriter out;
    private final boolean all;

    TypesText(PrintWriter out, boolean all) {
        this.out = out;
        this.all = all;
    }

    void print(TypesDiff types) {
        if (!types.compared()) {
            out.println("  types     not compared: " + types.problem());
            return;
        }
        Map<String, Map<String, List<Difference>>> byType = new LinkedHashMap<>();
        for (Difference difference : types.differences()) {
            byType.computeIfAbsent(difference.type(), _ -> new LinkedHashMap<>())
                    .computeIfAbsent(key(difference), _ -> new ArrayList<>())
                    .add(difference);
        }
        out.println("  types     " + (byType.isEmpty() ? "the same" : byType.size() + " changed"));
        List<String> lines = new ArrayList<>();
        byType.forEach((type, members) -> {
            lines.add("    %-8s %s%s".formatted("changed", type, whole(members.getOrDefault("", List.of()))));
            members.forEach((key, differences) -> {
                if (!key.isEmpty()) {
                    lines.add("               " + member(differences));
                }
            });
        });
        int shown = all ? lines.size() : Math.min(lines.size(), MOST);
        lines.subList(0, shown).forEach(out::println);
        if (shown < lines.size()) {
            out.printf("    … and %d more lines (-v shows all)%n", lines.size() - shown);
        }
        unseen(types.unseen());
    }

    private void unseen(List<String> unseen) {
        if (unseen.isEmpty()) {
            return;
        }
        out.printf(
                "    unseen   %s lead%s to what types do not tell of: void *, or a structure that is only declared%s%n",
                Texts.count(unseen.size(), "member"), unseen.size() == 1 ? "s" : "", all ? "" : " (-v lists them)");
        if (all) {
            unseen.forEach(member -> out.println("               " + member));
        }
    }

    private static String key(Difference difference) {
        return switch (difference.kind()) {
            case ENUMERATOR_VALUE, ENUMERATOR_ADDED, ENUMERATOR_REMOVED -> "enumerator " + difference.member();
            default -> difference.member();
        };
    }

    private static String whole(List<Difference> differences) {
        StringBuilder text = new StringBuilder();
        for (Difference d : differences) {
            Place before = d.before().orElse(NOWHERE);
            Place now = d.now().orElse(NOWHERE);
            text.append(": ")
                    .append(
                            d.kind() == Kind.SIZE
                                    ? amount(before.bitSize(), now.bitSize())
                                    : before.text() + " → " + now.text())
                    .append(uncertain(d));
        }
        return text.toString();
    }

    /** What differs in one member; all its differences have the same two places. */
    private static String member(List<Difference> differences) {
        Difference first = differences.getFirst();
        Place before = first.before().orElse(NOWHERE);
        Place now = first.now().orElse(NOWHERE);
        String text = first.member() + ": "
                + switch (first.kind()) {
                    case ENUMERATOR_VALUE -> before.text() + " → " + now.text();
                    case ENUMERATOR_ADDED -> "new, " + now.text() + " (no object can have it yet)";
                    case ENUMERATOR_REMOVED -> "gone, was " + before.text();
                    case ADDED -> "new, " + now.text() + ", " + place(now);
                    case REMOVED -> "gone, was " + before.text() + ", " + place(before);
                    case RENAMED -> "renamed to %s?, %s".formatted(now.text(), place(now));
                    case SIZE, MOVED, RESIZED, RETYPED ->
                        "%s, offset %s, %s"
                                .formatted(
                                        before.text().equals(now.text())
                                                ? now.text()
                                                : before.text() + " → " + now.text(),
                                        offsets(before.bitOffset(), now.bitOffset()),
                                        amount(before.bitSize(), now.bitSize()));
                };
        return text + uncertain(first);
    }

    private static String uncertain(Difference difference) {
        return difference.uncertain() ? " (uncertain: the nearest of several candidates)" : "";
    }

    private static String place(Place place) {
        return "offset %s, %s".formatted(offset(place.bitOffset()), amount(place.bitSize(), place.bitSize()));
    }

    private static String offsets(long before, long now) {
        return before == now ? offset(now) : offset(before) + " → " + offset(now);
    }

    private static String offset(long bits) {
        return bits % BYTE == 0 ? Long.toString(bits / BYTE) : "%d bit %d".formatted(bits / BYTE, bits % BYTE);
    }

    private static String amount(long before, long now) {
        boolean bytes = before % BYTE == 0 && now % BYTE == 0;
        long a = bytes ? before / BYTE : before;
        long b = bytes ? now / BYTE : now;
        String unit = bytes ? "byte" : "bit";
        return (a == b ? "" : a + " → ") + Texts.count(b, unit);
    }
}
