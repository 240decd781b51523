package io.kmolt.cli;

import io.kmolt.diff.Refusal;
import io.kmolt.kernels.PackageReport;
import io.kmolt.swap.BuildDiff;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt diff}: two builds of a module side by side. */
@Command(
        name = "diff",
        mixinStandardHelpOptions = true,
        description = {
            "Compares two builds of a module, and says whether one could take over from the other while in use.",
            "Needs the files only; what depends on the running kernel is looked at by: kmolt swap --dry-run"
        },
        footer = {
            "",
            "Functions count as changed when they do something else, not when they merely moved.",
            "The last line is \"swappable\" or \"not swappable: …\"; the reasons stand before it.",
            "Types come from the builds' BTF or DWARF, and from the images of the kernels that they were built for.",
            "",
            "Examples:",
            "  kmolt diff old/ext4.ko new/ext4.ko",
            "  kmolt diff --names old/ext4.ko new/ext4.ko   changed and new functions, one a line",
            "  kmolt diff --package 6.1.0-55-amd64 6.1.0-56-amd64",
            "",
            "Exit status: 0 swappable; 1 not swappable; 2 usage; 3 a file cannot be read, or its types not be found."
        })
final class DiffCommand implements Callable<Integer> {
    private static final int MOST_REASONS = 20;

    @Mixin
    OutputOptions output = new OutputOptions();

    @Option(names = "--names", description = "print only the names of changed and new functions, one a line")
    boolean names;

    @Option(
            names = "--package",
            description = {
                "compare all modules of two kernels' packages: OLD and NEW are releases such as 6.1.0-56-amd64",
                "(fetched if they are missing), .deb files, or folders with lib/modules"
            })
    boolean packages;

    @Option(names = "--markdown", description = "with --package: print the sums only, for a page of documentation")
    boolean markdown;

    @Option(
            names = "--jobs",
            paramLabel = "N",
            defaultValue = "2",
            description = "with --package: how many pairs to compare at a time; ${DEFAULT-VALUE} unless given")
    int jobs = 2;

    @Parameters(index = "0", paramLabel = "OLD", description = "file of the build that would be replaced")
    Path oldFile = Path.of("");

    @Parameters(index = "1", paramLabel = "NEW", description = "file of the build that would replace it")
    Path newFile = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        if (packages ? names : markdown) {
            throw new ParameterException(
                    spec.commandLine(), packages ? "--names is for two builds" : "--markdown is for packages");
        }
        if (packages) {
            return comparePackages();
        }
        try (ProgressLine progress = output.progress(spec)) {
            progress.step("comparing");
            BuildDiff diff = BuildDiff.of(oldFile, newFile, Images::find);
            progress.done();
            output.print(spec, diff, out -> describe(out, diff));
            return diff.swappable() ? ExitCode.OK : ExitCode.REFUSED;
        }
    }

    private int comparePackages() throws IOException, SwapException {
        PackageReport report =
                PackageRun.compare(spec, output, Math.max(1, jobs), oldFile.toString(), newFile.toString());
        output.print(spec, report, out -> {
            if (markdown) {
                PackageText.markdown(out, report);
            } else {
                PackageText.table(out, report);
            }
        });
        return PackageRun.exitCode(report);
    }

    private void describe(PrintWriter out, BuildDiff diff) {
        if (names) {
            Stream.concat(diff.changed().stream(), diff.added().stream())
                    .sorted()
                    .forEach(out::println);
            return;
        }
        out.printf("%s: %s → %s%n", diff.module(), id(diff.oldBuildId()), id(diff.newBuildId()));
        section(out, "function", diff.changed(), diff.added(), diff.gone());
        section(out, "object", diff.changedData(), diff.addedData(), diff.goneData());
        if (diff.nothingDiffers()) {
            out.println("  nothing differs in what a swap brings in");
        }
        List<Refusal> refusals = diff.refusals();
        int shown = output.verbose ? refusals.size() : Math.min(refusals.size(), MOST_REASONS);
        refusals.subList(0, shown).forEach(refusal -> out.println("  refused   " + refusal));
        if (shown < refusals.size()) {
            out.printf("  refused   … and %d more (-v shows all)%n", refusals.size() - shown);
        }
        out.println(diff.swappable() ? "swappable" : "not swappable: " + Texts.count(refusals.size(), "reason"));
    }

    private void section(PrintWriter out, String what, List<String> changed, List<String> added, List<String> gone) {
        Texts.names(out, "changed", what, changed, output.verbose);
        Texts.names(out, "new", what, added, output.verbose);
        Texts.names(out, "gone", what, gone, output.verbose);
    }

    private static String id(String buildId) {
        return buildId.isEmpty() ? "a build without build-id" : "build-id " + buildId;
    }
}
