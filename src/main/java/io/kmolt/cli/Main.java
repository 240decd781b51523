package io.kmolt.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code kmolt} command: lists its subcommands and hands each call to one of them. */
@Command(
        name = "kmolt",
        mixinStandardHelpOptions = true,
        version = "kmolt 0.1.0",
        description = "Changes a Linux kernel while it runs.",
        subcommands = {
            DoctorCommand.class,
            InfoCommand.class,
            DiffCommand.class,
            SwapCommand.class,
            RevertCommand.class,
            EditionCommand.class,
            RouteCommand.class,
            SwitchCommand.class,
            ListCommand.class,
            StatusCommand.class,
            LogCommand.class,
            RecordCommand.class,
            DemoCommand.class,
            LabCommand.class
        })
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The parser with all commands, for {@link #main} and for tests. */
    public static CommandLine commandLine() {
        Failures failures = new Failures();
        return new CommandLine(new Main())
                .setExecutionExceptionHandler(failures)
                .setParameterExceptionHandler(failures);
    }
}
