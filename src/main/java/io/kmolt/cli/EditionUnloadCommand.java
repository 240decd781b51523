package io.kmolt.cli;

import io.kmolt.edition.EditionException;
import io.kmolt.edition.UnloadEditions;
import io.kmolt.swap.Limits;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt edition unload}: leads all calls to the originals and unloads the editions. */
@Command(
        name = "unload",
        mixinStandardHelpOptions = true,
        description = {
            "Leads all calls back to the originals, waits until nobody is inside an edition, and unloads them.",
            "If somebody is still inside when time is up, the routes are as they were before."
        },
        footer = {"", "Exit status: 0 done; 2 usage; 3 no such editions, or unfit target; 4 tasks are inside."})
final class EditionUnloadCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "NAME", description = "the editions' name: that of their file, without .ko")
    String name = "";

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "15s",
            description = "how long to wait for tasks that are inside (default: ${DEFAULT-VALUE})")
    Duration timeout = Limits.DEFAULT.timeout();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, EditionException, SwapException {
        try (Target opened = signing.open(target);
                ProgressLine progress = output.progress(spec)) {
            UnloadEditions.Report report = UnloadEditions.run(opened, name, timeout, Images::find, progress);
            progress.done();
            output.print(
                    spec,
                    report,
                    out -> out.printf(
                            "%s: unloaded from %s; all calls go to the originals%n", report.name(), report.target()));
        }
        return ExitCode.OK;
    }
}
