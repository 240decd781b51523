package io.kmolt.cli;

import io.kmolt.lab.Guest;
import io.kmolt.lab.NamedGuests;
import io.kmolt.target.CommandResult;
import java.io.IOException;
import java.io.PrintWriter;
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
        description = "Runs a command as root in a guest that lab start started; its output comes when it is done.",
        footer = {"", "Exit status: the command's own; 6 when the guest crashed; 4 when the time limit ran out."})
final class LabExecCommand implements Callable<Integer> {
    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "2m",
            description = "time limit, such as 90s or 10m (default: ${DEFAULT-VALUE})")
    Duration timeout = Duration.ofMinutes(2);

    @Parameters(index = "0", paramLabel = "NAME", description = "the guest")
    String name = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "COMMAND", description = "the command, after --")
    List<String> command = List.of();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Guest guest = NamedGuests.ofUser().attach(name)) {
            CommandResult result = guest.target().run(command, timeout);
            print(spec.commandLine().getOut(), result.stdout());
            print(spec.commandLine().getErr(), result.stderr());
            return result.status();
        }
    }

    private static void print(PrintWriter writer, String text) {
        writer.print(text);
        writer.flush();
    }
}
