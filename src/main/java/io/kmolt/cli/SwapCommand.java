package io.kmolt.cli;

import io.kmolt.swap.AttachedUser;
import io.kmolt.swap.Swap;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapOptions;
import io.kmolt.swap.SwapReport;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt swap}: replaces a loaded module by another build. */
@Command(
        name = "swap",
        mixinStandardHelpOptions = true,
        description = {
            "Replaces a loaded module by another build while it is in use.",
            "The new build inherits the state of the loaded one; nothing is unmounted, closed or restarted."
        },
        footer = {
            "",
            "Everything that can be checked is checked first; where a check says no, nothing has changed.",
            "Tasks that are inside code that changes are waited for until the time limit.",
            "",
            "Examples:",
            "  kmolt swap -n ext4 /tmp/ext4.ko     would it work, and what would change?",
            "  kmolt swap ext4 /tmp/ext4.ko        do it",
            "  kmolt revert ext4                   take it back",
            "",
            "Exit status: 0 done; 1 refused; 2 usage; 3 unfit target or file; 4 tasks or a CPU in the way."
        })
final class SwapCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    LimitOptions limits = new LimitOptions();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(index = "0", paramLabel = "MODULE", description = "name of the loaded module")
    String module = "";

    @Parameters(index = "1", paramLabel = "NEW", description = "file of the new build")
    Path newFile = Path.of("");

    @Option(
            names = {"-n", "--dry-run"},
            description = "compare and link, change nothing")
    boolean dryRun;

    @Option(
            names = "--base",
            paramLabel = "FILE",
            description = "the file that the module was loaded from, if it is not where modprobe looks")
    @Nullable
    Path base;

    @Option(names = "--save-update", paramLabel = "FILE", description = "save the linked update module there")
    @Nullable
    Path saveUpdate;

    @Option(
            names = "--acknowledge",
            description = "swap, although probes, tracers or livepatches at its functions are cut off")
    boolean acknowledge;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        SwapOptions options = SwapOptions.with(Images::find)
                .withLimits(limits.limits())
                .withDryRun(dryRun)
                .withBase(Optional.ofNullable(base))
                .withSaveUpdate(Optional.ofNullable(saveUpdate))
                .withAcknowledge(acknowledge);
        try (Target opened = signing.open(target);
                ProgressLine progress = output.progress(spec)) {
            SwapReport report = Swap.run(opened, module, newFile, options, progress);
            progress.done();
            output.print(spec, report, out -> describe(out, report));
        }
        return ExitCode.OK;
    }

    private void describe(PrintWriter out, SwapReport report) {
        out.printf(
                "%s: %s%n",
                report.module(),
                report.dryRun()
                        ? "can be swapped for build " + report.buildId()
                        : report.edition() + " answers now (build-id " + report.buildId() + "), before: "
                                + report.previous());
        Texts.names(out, "changed", "function", report.changed(), output.verbose);
        Texts.names(out, "new", "function", report.added(), output.verbose);
        Texts.names(out, "gone", "function", report.gone(), output.verbose);
        out.printf(
                "  linked    %d table words, %d redirects, %d shared objects, in %d ms%n",
                report.slots(), report.redirects(), report.shared(), report.linkMillis());
        report.notes().forEach(note -> out.printf("  note      %s%n", note));
        Texts.attached(out, report.attached(), output.verbose);
        if (report.dryRun() && report.attached().stream().anyMatch(AttachedUser::needsAcknowledgement)) {
            out.printf("  note      others are cut off by a swap: it needs --acknowledge%n");
        }
        report.sticky().stream()
                .limit(output.verbose ? Integer.MAX_VALUE : 1)
                .forEach(why -> out.printf("  sticky    stays in memory after a revert: %s%n", why));
        if (!report.dryRun()) {
            out.printf(
                    "  paused    %.3f ms, of which %.3f ms looking at stacks; %.1f ms in all; %s%n",
                    report.pauseNanos() / 1e6,
                    report.scanNanos() / 1e6,
                    report.stopNanos() / 1e6,
                    report.attempts() == 1 ? "first attempt" : "attempt " + report.attempts());
        }
    }
}
