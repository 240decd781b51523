package io.kmolt.cli;

import io.kmolt.swap.Limits;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** How long a change may wait, and how long all CPUs may stand still for it. */
final class LimitOptions {
    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "15s",
            description = "how long to wait for tasks that are in the way, and for a CPU that computes in the kernel"
                    + " (default: ${DEFAULT-VALUE})")
    Duration timeout = Limits.DEFAULT.timeout();

    @Option(
            names = "--max-pause",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "100ms",
            description = "how long CPUs may stand still in one attempt before something has changed, 100us to 1s; an"
                    + " attempt that would take longer is given up (default: ${DEFAULT-VALUE})")
    Duration maxPause = Limits.DEFAULT.maxPause();

    @Spec(Target.MIXEE)
    CommandSpec spec = CommandSpec.create();

    Limits limits() {
        if (!Limits.isPause(maxPause)) {
            throw new ParameterException(spec.commandLine(), "--max-pause must be from 100us to 1s");
        }
        return new Limits(timeout, maxPause);
    }
}
