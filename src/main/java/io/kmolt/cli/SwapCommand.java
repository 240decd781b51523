package io.kmolt.cli;

import io.kmolt.swap.AttachedUser;
import io.kmolt.swap.Swap;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapOptions;
import io.kmolt.swap.SwapReport;
import io.kmolt.swap.Verification;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
            "Each build that was superseded stays in memory to go back to, up to --keep of them. Older ones are",
            "dropped once no task is inside, unless something may still refer to them: kmolt status tells.",
            "",
            "  kmolt swap ext4 /tmp/ext4.ko --verify 'ls /srv >/dev/null' --for 1m",
            "                                      do it, and take it back if that fails within a minute",
            "",
            "--verify runs a command on the target again and again for a while, and watches the kernel's log;",
            "--for alone only watches the log. If anything goes wrong, the swap is reverted; also if kmolt is",
            "interrupted or loses the target meanwhile.",
            "",
            "Exit status: 0 done; 1 refused, or reverted after a verification that failed; 2 usage;",
            "3 unfit target or file; 4 tasks or a CPU in the way; 5 failed, among others: a build that",
            "failed its verification could not be reverted and still answers."
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
            description =
                    "swap, although probes, tracers or livepatches at its functions are cut off, or it cannot be told who they are")
    boolean acknowledge;

    @Option(
            names = "--verify",
            paramLabel = "COMMAND",
            description = "run this shell script on the target once the new build answers; revert if it fails")
    @Nullable
    String verify;

    @Option(
            names = "--for",
            paramLabel = "TIME",
            converter = Durations.class,
            description = "how long to verify: run the command, and watch the kernel's log (default: 30s)")
    @Nullable
    Duration period;

    @Option(
            names = "--keep",
            paramLabel = "N",
            description = "keep the last N superseded builds to go back to, drop older ones (default: 4)")
    int keep = SwapOptions.KEEP;

    @Option(
            names = "--no-journal",
            description = "write nothing to /var/lib/kmolt on the target: go on where that is not possible")
    boolean noJournal;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        SwapOptions options = SwapOptions.with(Images::find)
                .withLimits(limits.limits())
                .withDryRun(dryRun)
                .withBase(Optional.ofNullable(base))
                .withSaveUpdate(Optional.ofNullable(saveUpdate))
                .withAcknowledge(acknowledge)
                .withTrial(trial())
                .withKeep(keep())
                .withJournal(!noJournal);
        try (Target opened = signing.open(target);
                ProgressLine progress = output.progress(spec)) {
            SwapReport report = Swap.run(opened, module, newFile, options, progress);
            progress.done();
            output.print(spec, report, out -> describe(out, report));
        }
        return ExitCode.OK;
    }

    private int keep() {
        if (keep < 0) {
            throw new ParameterException(spec.commandLine(), "--keep: a number of builds, 0 or more");
        }
        return keep;
    }

    private Optional<Verification.Plan> trial() {
        if (verify == null && period == null) {
            return Optional.empty();
        }
        return Optional.of(new Verification.Plan(
                Optional.ofNullable(verify), period == null ? Verification.Plan.DEFAULT_PERIOD : period));
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
        if (!report.verified().isEmpty()) {
            out.printf("  verified  %s%n", report.verified());
        }
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
