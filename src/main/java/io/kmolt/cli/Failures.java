package io.kmolt.cli;

import io.kmolt.lab.GuestBusyException;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.GuestMissingException;
import io.kmolt.lab.KernelMissingException;
import io.kmolt.swap.Blocker;
import io.kmolt.swap.SwapException;
import io.kmolt.target.CommandTimeoutException;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/**
 * Turns what a command throws into one message and an exit code. The stack trace appears only when {@code KMOLT_DEBUG}
 * is set, and for defects of kmolt itself.
 */
final class Failures implements IExecutionExceptionHandler {
    private static final int MOST_REASONS = 20;

    @Override
    public int handleExecutionException(Exception thrown, CommandLine commandLine, ParseResult parseResult) {
        Exception e = thrown instanceof UncheckedIOException unchecked && unchecked.getCause() != null
                ? unchecked.getCause()
                : thrown;
        if (e instanceof SwapException no) {
            return explain(no, commandLine);
        }
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

    private static int explain(SwapException no, CommandLine commandLine) {
        PrintWriter err = commandLine.getErr();
        err.println("kmolt: " + no.getMessage());
        no.refusals().stream().limit(MOST_REASONS).forEach(refusal -> err.println("  " + refusal));
        if (no.refusals().size() > MOST_REASONS) {
            err.println("  … and " + (no.refusals().size() - MOST_REASONS) + " more reasons");
        }
        for (Blocker blocker : no.blockers()) {
            err.println("  pid " + blocker.pid() + " (" + blocker.command() + ") in " + blocker.where());
            blocker.stack().forEach(frame -> err.println("    " + frame));
        }
        return switch (no.kind()) {
            case REFUSED -> ExitCode.REFUSED;
            case UNFIT -> ExitCode.UNFIT;
            case BUSY -> ExitCode.BUSY;
        };
    }
}
