package io.kmolt.cli;

import io.kmolt.lab.GuestBusyException;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.GuestMissingException;
import io.kmolt.lab.KernelMissingException;
import io.kmolt.target.CommandTimeoutException;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/**
 * Turns what a command throws into one message and an exit code. The stack trace appears only when {@code KMOLT_DEBUG}
 * is set, and for defects of kmolt itself.
 */
final class Failures implements IExecutionExceptionHandler {
    @Override
    public int handleExecutionException(Exception thrown, CommandLine commandLine, ParseResult parseResult) {
        Exception e = thrown instanceof UncheckedIOException unchecked && unchecked.getCause() != null
                ? unchecked.getCause()
                : thrown;
        boolean defect = !(e instanceof IOException);
        commandLine.getErr().println("kmolt: " + (defect ? "internal error: " + e : e.getMessage()));
        if (defect || System.getenv("KMOLT_DEBUG") != null) {
            e.printStackTrace(commandLine.getErr());
        }
        return switch (e) {
            case GuestCrashedException _ -> ExitCode.GUEST_CRASHED;
            case TargetLostException lost when lost.crashed() -> ExitCode.GUEST_CRASHED;
            case KernelMissingException _, GuestMissingException _ -> ExitCode.UNFIT;
            case CommandTimeoutException _, GuestBusyException _ -> ExitCode.BUSY;
            default -> ExitCode.FAILED;
        };
    }
}
