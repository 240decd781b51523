package io.kmolt.cli;

import io.kmolt.diff.Verdict;
import io.kmolt.kernels.ModuleChange;
import io.kmolt.kernels.ModuleChange.Names;
import io.kmolt.kernels.PackageReport;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A comparison of packages for people: a table of the modules that changed and the sums, or the sums as Markdown. */
final class PackageText {
    private static final int MOST_REASONS = 5;

    private PackageText() {}

    static void table(PrintWriter out, PackageReport report) {
        if (!report.changed().isEmpty()) {
            int width = report.changed().stream()
                    .mapToInt(change -> change.module().length())
                    .max()
                    .orElse(0);
            String format = "%-" + Math.max(width, 6) + "s  %16s  %5s  %14s  %s%n";
            out.printf(format, "MODULE", "FUNCTIONS", "TYPES", "DATA", "VERDICT");
            for (ModuleChange change : report.changed()) {
                out.printf(
                        format,
                        change.module(),
                        counts(change.functions()),
                        change.types().isEmpty() ? "-" : change.types().size(),
                        counts(change.data()),
                        verdict(change));
            }
            out.println();
        }
        report.unhandled().forEach(u -> out.printf("unhandled %s: %s%n", u.module(), u.problem()));
        out.printf("%s → %s%n", report.oldPackage(), report.newPackage());
        out.printf(
                "  modules   %d in both: %d changed, %d unchanged%s%n",
                report.modules(), report.changed().size(), report.unchanged(), otherSymbols(report));
        names(out, "new", report.added());
        names(out, "gone", report.gone());
        for (Verdict verdict : Verdict.values()) {
            out.printf("  %-18s %d%s%n", words(verdict), report.count(verdict), reasons(report, verdict));
        }
        out.printf("  %-18s %d%n", "unhandled", report.unhandled().size());
    }

    static void markdown(PrintWriter out, PackageReport report) {
        out.printf("## %s → %s%n%n", report.oldPackage(), report.newPackage());
        out.println("| | modules | most frequent reasons, and in how many modules |");
        out.println("|---|---:|---|");
        row(out, "in both packages", report.modules(), "");
        row(out, "unchanged", report.unchanged(), otherSymbols(report).replaceAll("^ \\(|\\)$", ""));
        row(out, "**changed**", report.changed().size(), sums(report));
        for (Verdict verdict : Verdict.values()) {
            row(
                    out,
                    "changed, " + words(verdict),
                    report.count(verdict),
                    reasons(report, verdict).replaceAll("^: ", ""));
        }
        row(out, "unhandled", report.unhandled().size(), "");
        row(out, "new", report.added().size(), String.join(", ", report.added()));
        row(out, "gone", report.gone().size(), String.join(", ", report.gone()));
        out.println();
    }

    private static void row(PrintWriter out, String what, int number, String remark) {
        out.printf("| %s | %d | %s |%n", what, number, remark);
    }

    private static String sums(PackageReport report) {
        int functions = report.changed().stream()
                .mapToInt(change -> change.functions().changed().size())
                .sum();
        long types = report.changed().stream()
                .filter(change -> !change.types().isEmpty())
                .count();
        return "%d functions changed; own types changed in %d modules".formatted(functions, types);
    }

    private static void names(PrintWriter out, String title, List<String> names) {
        if (!names.isEmpty()) {
            out.printf("  %-9s %d: %s%n", title, names.size(), String.join(", ", names));
        }
    }

    private static String otherSymbols(PackageReport report) {
        return report.otherSymbols() == 0
                ? ""
                : " (%d of them import or export symbols that have another CRC)".formatted(report.otherSymbols());
    }

    private static String counts(Names names) {
        String text = part("", names.changed()) + part("+", names.added()) + part("-", names.gone());
        return text.isEmpty() ? "-" : text.strip();
    }

    private static String part(String sign, List<String> names) {
        return names.isEmpty() ? "" : " " + sign + names.size();
    }

    private static String verdict(ModuleChange change) {
        String reasons = change.reasons().entrySet().stream()
                .map(entry -> word(entry.getKey()) + " " + entry.getValue())
                .collect(Collectors.joining(", "));
        return words(change.verdict()) + (reasons.isEmpty() ? "" : ": " + reasons);
    }

    private static String words(Verdict verdict) {
        return switch (verdict) {
            case SWAPPABLE -> "swappable";
            case NEEDS_HOOK -> "needs a hook";
            case NOT_SWAPPABLE -> "not swappable";
        };
    }

    private static String reasons(PackageReport report, Verdict verdict) {
        String reasons = report.reasons(verdict).stream()
                .limit(MOST_REASONS)
                .map(reason -> word(reason.kind()) + " " + reason.modules())
                .collect(Collectors.joining(", "));
        return reasons.isEmpty() ? "" : ": " + reasons;
    }

    /** As in JSON and in docs/limits.md. */
    private static String word(Enum<?> kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }
}
