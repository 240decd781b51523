package io.kmolt.cli;

import io.kmolt.swap.Journal;
import io.kmolt.swap.JournalEntry;
import io.kmolt.swap.JournalText;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt log}: what was done on a target, as its journal tells. */
@Command(
        name = "log",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the journal of a target, /var/lib/kmolt/RELEASE/journal: what was swapped, verified and",
            "reverted, when, by whom, and how it ended. An intent that no outcome follows was interrupted."
        },
        footer = {
            "",
            "Examples:",
            "  kmolt log",
            "  kmolt log -n 5 -t ssh:root@web1 ext4",
            "",
            "Exit status: 0 done, also if nothing is written there; 2 usage; 5 the target cannot be reached."
        })
final class LogCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..1", paramLabel = "MODULE", description = "only what is about this one")
    String module = "";

    @Option(names = "-n", paramLabel = "N", description = "only the last N lines")
    int last = Integer.MAX_VALUE;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Target opened = target.open()) {
            JournalText all = Journal.read(opened).about(module);
            List<JournalEntry> entries = all.entries();
            JournalText shown = new JournalText(
                    entries.subList(Math.max(0, entries.size() - Math.max(0, last)), entries.size()), all.damaged());
            output.print(spec, shown, out -> describe(out, shown));
        }
        return ExitCode.OK;
    }

    private void describe(PrintWriter out, JournalText text) {
        for (JournalEntry entry : text.entries()) {
            out.printf(
                    "%s %s of %s: %s%n",
                    entry.get("time"),
                    entry.get("verb"),
                    entry.get("module"),
                    entry.isIntent() ? plan(entry) : outcome(entry));
            if (entry.isIntent() || output.verbose) {
                out.printf("  by        %s%n", Texts.who(entry));
            }
            if (output.verbose) {
                entry.facts().forEach((name, value) -> out.printf("  %-9s %s%n", name, value));
            } else if (!entry.get("reason").isEmpty()) {
                entry.get("reason").lines().forEach(line -> out.printf("  reason    %s%n", line.strip()));
            }
        }
        if (text.entries().isEmpty()) {
            out.println("nothing is written in the journal");
        }
        if (text.damaged() > 0) {
            out.println(Texts.count(text.damaged(), "line") + " of the journal cannot be read");
        }
    }

    private static String plan(JournalEntry entry) {
        return Stream.of(
                        entry.get("edition"),
                        named("build-id", entry, "buildId"),
                        named("before:", entry, "before"),
                        named("check:", entry, "check"))
                .filter(text -> !text.isEmpty())
                .collect(Collectors.joining(", "));
    }

    private static String outcome(JournalEntry entry) {
        return entry.get("outcome") + ", " + Texts.answers(entry.get("answers"));
    }

    private static String named(String what, JournalEntry entry, String name) {
        return entry.get(name).isEmpty() ? "" : what + " " + entry.get(name);
    }
}
