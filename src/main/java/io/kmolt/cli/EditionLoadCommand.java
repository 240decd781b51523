package io.kmolt.cli;

import io.kmolt.edition.EditionException;
import io.kmolt.edition.EditionUpdate;
import io.kmolt.edition.LoadEditions;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt edition load}: loads editions of functions. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        description = {
            "Loads editions of functions into a running kernel.",
            "All calls go on to the originals until kmolt route leads some of them to an edition."
        },
        footer = {
            "",
            "Example:",
            "  kmolt edition load meminfo.ko",
            "  kmolt route meminfo_proc_show 'uid == 1000 ? 1 : 0'",
            "",
            "Exit status: 0 done; 1 refused; 2 usage; 3 unfit target or file; 4 another kmolt is at work."
        })
final class EditionLoadCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "FILE.ko", description = "what kmolt edition build made")
    Path file = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, EditionException, SwapException {
        try (Target opened = signing.open(target);
                ProgressLine progress = output.progress(spec)) {
            LoadEditions.Report report = LoadEditions.run(opened, file, Images::find, progress);
            progress.done();
            output.print(spec, report, out -> describe(out, report));
        }
        return ExitCode.OK;
    }

    private static void describe(PrintWriter out, LoadEditions.Report report) {
        out.printf("%s: loaded on %s; all calls still go to the originals%n", report.name(), report.target());
        for (EditionUpdate.Function function : report.functions()) {
            out.printf(
                    "  %s: %s%n",
                    function.label(),
                    function.editions().stream()
                            .map(edition -> "edition " + edition.number() + " is " + edition.name())
                            .collect(Collectors.joining(", ")));
        }
        report.notes().forEach(note -> out.printf("  note      %s%n", note));
    }
}
