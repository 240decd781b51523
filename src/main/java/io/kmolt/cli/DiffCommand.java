package io.kmolt.cli;

import io.kmolt.kernels.PackageReport;
import io.kmolt.swap.BuildDiff;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
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
        exitCodeOnInvalidInput = ExitCode.USAGE_OF_DIFF,
        description = {
            "Compares two builds of a module, and says whether one could take over from the other while in use.",
            "Needs the files only; what depends on the running kernel is looked at by: kmolt swap --dry-run"
        },
        footer = {
            "",
            "A build is a module (.ko, compressed or not) or any object (.o) that gcc or clang compiled for x86-64.",
            "Functions count as changed when they do something else, not when they merely moved; what the",
            "compiler made of a function (.isra, .part, .constprop, .cold) belongs to it.",
            "Types come from the builds' BTF or DWARF, and from the images of the kernels that they were built for.",
            "The last line is the verdict:",
            "  swappable                the new build can take over",
            "  needs a hook for …       it can once it has KMOLT_PREPARE and KMOLT_UNPREPARE for these",
            "  not swappable because …",
            "",
            "Examples:",
            "  kmolt diff old/ext4.ko new/ext4.ko",
            "  kmolt diff --names old/ext4.ko new/ext4.ko   changed and new functions, one a line",
            "  kmolt diff --package 6.1.0-55-amd64 6.1.0-56-amd64",
            "",
            "Exit status: 0 swappable; 1 needs a hook; 2 not swappable; 3 a file cannot be read; 5 unexpected failure;",
            "64 usage."
        })
final class DiffCommand implements Callable<Integer> {
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
            output.print(spec, diff, out -> {
                if (names) {
                    diff.changedAndNew().forEach(out::println);
                } else {
                    DiffText.print(out, diff, output.verbose);
                }
            });
            return switch (diff.verdict()) {
                case SWAPPABLE -> ExitCode.OK;
                case NEEDS_HOOK -> ExitCode.NEEDS_HOOK;
                case NOT_SWAPPABLE -> ExitCode.NOT_SWAPPABLE;
            };
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
}
