package io.kmolt.cli;

import io.kmolt.swap.Blocker;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns what a command throws into one message on standard error and an exit code; with {@code --json} the same facts
 * are also one object on standard output. The stack trace appears only when {@code KMOLT_DEBUG} is set, and for defects
 * of kmolt itself.
 */
final class Failures implements IExecutionExceptionHandler, IParameterExceptionHandler {
    private static final int MOST_REASONS = 20;
    private static final String JSON = "--json";

    @Override
    public int handleExecutionException(Exception thrown, CommandLine commandLine, ParseResult parseResult) {
        Exception e = thrown instanceof UncheckedIOException unchecked && unchecked.getCause() != null
                ? unchecked.getCause()
                : thrown;
        Failure failure = Failure.of(e);
        explain(failure, commandLine.getErr());
        if (failure.kind() == Failure.Kind.INTERNAL || System.getenv("KMOLT_DEBUG") != null) {
            e.printStackTrace(commandLine.getErr());
        }
        if (last(parseResult).hasMatchedOption(JSON)) {
            print(failure, commandLine);
        }
        return failure.kind().exitCode();
    }

    /** A command line that makes no sense: what is wrong, and where the help is. */
    @Override
    public int handleParseException(ParameterException e, String[] args) {
        CommandLine commandLine = e.getCommandLine();
        PrintWriter err = commandLine.getErr();
        String command = commandLine.getCommandSpec().qualifiedName();
        Failure failure = Failure.usage(String.valueOf(e.getMessage()));
        err.println("kmolt: " + failure.error());
        if (!UnmatchedArgumentException.printSuggestions(e, err)) {
            // A command that only has subcommands teaches these; any other its own shape.
            if (commandLine.getSubcommands().isEmpty()) {
                err.print(commandLine.getHelp().synopsisHeading()
                        + commandLine.getHelp().synopsis(7));
            } else {
                commandLine.usage(err);
            }
        }
        err.println(command + " --help tells more");
        err.flush();
        if (List.of(args).contains(JSON)) {
            print(failure, commandLine);
        }
        return named(commandLine, args).getCommandSpec().exitCodeOnInvalidInput();
    }

    /** The command that was meant: what stands wrong before its name is complained about by the one above it. */
    private static CommandLine named(CommandLine commandLine, String[] args) {
        return Arrays.stream(args)
                .filter(arg -> !arg.startsWith("-"))
                .findFirst()
                .map(commandLine.getSubcommands()::get)
                .orElse(commandLine);
    }

    private static ParseResult last(ParseResult parseResult) {
        return parseResult.hasSubcommand() ? last(parseResult.subcommand()) : parseResult;
    }

    private static void print(Failure failure, CommandLine commandLine) {
        commandLine.getOut().println(Json.write(failure));
        commandLine.getOut().flush();
    }

    private static void explain(Failure failure, PrintWriter err) {
        err.println("kmolt: " + failure.error());
        failure.reasons().stream().limit(MOST_REASONS).forEach(refusal -> err.println("  " + refusal));
        if (failure.reasons().size() > MOST_REASONS) {
            err.println("  … and " + (failure.reasons().size() - MOST_REASONS) + " more reasons");
        }
        for (Blocker blocker : failure.blockers()) {
            err.println("  pid " + blocker.pid() + " (" + blocker.command() + ") in " + blocker.where());
            blocker.stack().forEach(frame -> err.println("    " + frame));
        }
        err.flush();
    }
}
