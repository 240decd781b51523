package io.kmolt.cli;

import io.kmolt.demo.DemoFileMissingException;
import io.kmolt.diff.Refusal;
import io.kmolt.edition.EditionException;
import io.kmolt.lab.GuestBusyException;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.GuestMissingException;
import io.kmolt.lab.KernelMissingException;
import io.kmolt.route.RouteException;
import io.kmolt.sign.SignException;
import io.kmolt.swap.Blocker;
import io.kmolt.swap.Late;
import io.kmolt.swap.SwapException;
import io.kmolt.target.CommandTimeoutException;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Optional;

/**
 * Why a command failed, for people and, as it is, for programs.
 *
 * @param error cause and next step
 * @param kind the kind of failure, which also decides the exit status
 * @param reasons every reason, where the builds are the problem
 * @param blockers who is in the way, where somebody is
 * @param late the CPU that did not come to rest, where that is why
 */
record Failure(String error, Kind kind, List<Refusal> reasons, List<Blocker> blockers, Optional<Late> late) {

    /** Kinds of failure; programs may rely on the names. */
    enum Kind {
        REFUSED(ExitCode.REFUSED),
        USAGE(ExitCode.USAGE),
        UNFIT(ExitCode.UNFIT),
        BUSY(ExitCode.BUSY),
        /** A swap was committed, failed its verification, and was reverted. */
        REVERTED(ExitCode.REFUSED),
        FAILED(ExitCode.FAILED),
        /** A defect of kmolt. */
        INTERNAL(ExitCode.FAILED),
        GUEST_CRASHED(ExitCode.GUEST_CRASHED);

        private final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }

        int exitCode() {
            return exitCode;
        }
    }

    static Failure of(Exception e) {
        return switch (e) {
            case SwapException no -> new Failure(message(no), kind(no), no.refusals(), no.blockers(), no.late());
            case EditionException no -> new Failure(message(no), kind(no), no.refusals(), List.of(), Optional.empty());
            case RouteException no -> plain("this is no route:\n" + no.rendered(), Kind.USAGE);
            case GuestCrashedException _ -> plain(message(e), Kind.GUEST_CRASHED);
            case TargetLostException lost when lost.crashed() -> plain(message(e), Kind.GUEST_CRASHED);
            case SignException _ -> plain(message(e), Kind.UNFIT);
            case KernelMissingException _, GuestMissingException _ -> plain(message(e), Kind.UNFIT);
            case DemoFileMissingException _ -> plain(message(e), Kind.UNFIT);
            case CommandTimeoutException _, GuestBusyException _ -> plain(message(e), Kind.BUSY);
            case FileSystemException file -> plain(file.getFile() + ": " + problem(file), Kind.FAILED);
            case IOException _ -> plain(message(e), Kind.FAILED);
            default -> plain("internal error: " + e, Kind.INTERNAL);
        };
    }

    static Failure usage(String error) {
        return plain(error, Kind.USAGE);
    }

    private static Failure plain(String error, Kind kind) {
        return new Failure(error, kind, List.of(), List.of(), Optional.empty());
    }

    private static String message(Exception e) {
        return String.valueOf(e.getMessage());
    }

    private static Kind kind(SwapException no) {
        return switch (no.kind()) {
            case REFUSED -> Kind.REFUSED;
            case UNFIT -> Kind.UNFIT;
            case BUSY -> Kind.BUSY;
            case REVERTED -> Kind.REVERTED;
            case STANDS -> Kind.FAILED;
        };
    }

    private static Kind kind(EditionException no) {
        return switch (no.kind()) {
            case REFUSED -> Kind.REFUSED;
            case UNFIT -> Kind.UNFIT;
        };
    }

    /** The message of a {@code FileSystemException} may be the path alone. */
    private static String problem(FileSystemException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such file or folder";
            case AccessDeniedException _ -> "permission denied";
            default -> e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
        };
    }
}
