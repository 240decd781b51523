package io.kmolt.cli;

import io.kmolt.lab.Targets;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt lab exec}: a command in a guest that runs. */
@Command(
        name = "exec",
        mixinStandardHelpOptions = true,
        description = "Runs a command as root in a guest that lab start started, and prints its output at the end.",
        footer = {"", "Exit status: the command's own; 6 when the guest crashed; 4 when the time limit ran out."})
final class LabExecCommand implements Callable<Integer> {
    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "2m",
            description = "time limit of the command (default: ${DEFAULT-VALUE})")
    Duration timeout = Target.DEFAULT_TIMEOUT;

    @Parameters(index = "0", paramLabel = "NAME", description = "the guest's name")
    String name = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND", arity = "1..*", description = "after --")
    List<String> command = List.of();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Target target = Targets.parse("lab:" + name)) {
            CommandResult result = target.run(command, timeout);
            spec.commandLine().getOut().print(result.stdout());
            spec.commandLine().getOut().flush();
            spec.commandLine().getErr().print(result.stderr());
            spec.commandLine().getErr().flush();
            return result.status();
        }
    }
}
