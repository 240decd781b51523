package io.kmolt.cli;

import io.kmolt.swap.Revert;
import io.kmolt.swap.RevertReport;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt revert}: takes the last swap back. */
@Command(
        name = "revert",
        mixinStandardHelpOptions = true,
        description = {
            "Takes the last swap of a module back: the build that answered before answers again.",
            "Called once more, it takes the swap before that back."
        },
        footer = {"", "Exit status: 0 done; 1 nothing to revert; 3 unfit target; 4 tasks or a CPU in the way."})
final class RevertCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    LimitOptions limits = new LimitOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "MODULE", description = "name of the loaded module")
    String module = "";

    @Option(
            names = "--acknowledge",
            description = "revert, although probes, tracers or livepatches at its functions are cut off")
    boolean acknowledge;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        try (Target opened = target.open();
                ProgressLine progress = output.progress(spec)) {
            RevertReport report = Revert.run(opened, module, limits.limits(), acknowledge, progress);
            progress.done();
            output.print(spec, report, out -> describe(out, report));
        }
        return ExitCode.OK;
    }

    private static void describe(PrintWriter out, RevertReport report) {
        out.printf(
                "%s: %s answers again, %s no longer does%n",
                report.module(), report.current().equals("base") ? "the base" : report.current(), report.reverted());
        if (!report.unloaded()) {
            out.printf("  kept      %s stays loaded: %s%n", report.reverted(), report.kept());
        }
        Texts.attached(out, report.attached(), false);
        report.notes().forEach(note -> out.printf("  note      %s%n", note));
        out.printf(
                "  paused    %.3f ms, of which %.3f ms looking at stacks; %.1f ms in all; %s%n",
                report.pauseNanos() / 1e6,
                report.scanNanos() / 1e6,
                report.stopNanos() / 1e6,
                report.attempts() == 1 ? "first attempt" : "attempt " + report.attempts());
    }
}
