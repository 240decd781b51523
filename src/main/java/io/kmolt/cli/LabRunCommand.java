package io.kmolt.cli;

import io.kmolt.lab.Guest;
import io.kmolt.lab.GuestCommand;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.Lab;
import io.kmolt.target.CommandTimeoutException;
import io.kmolt.target.TargetLostException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kmolt lab run}: a command in a fresh guest. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = "Runs a command as root in a fresh guest and passes its output and exit status on.",
        footer = {
            "",
            "The guest sees this machine's files; what it writes is thrown away, except in a --share.",
            "The working folder is kept. There is no network, and standard input is empty.",
            "",
            "Exit status: the command's own; 6 when the kernel crashed or complained, whatever the",
            "command said; 124 when the time limit ran out."
        })
final class LabRunCommand implements Callable<Integer> {
    @Mixin
    GuestOptions guestOptions = new GuestOptions();

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = Durations.class,
            defaultValue = "10m",
            description = "time limit of the command, such as 90s or 10m (default: ${DEFAULT-VALUE})")
    Duration timeout = Duration.ofMinutes(10);

    @Option(names = "--kernel-log", paramLabel = "FILE", description = "save the guest's kernel log there")
    @Nullable
    Path kernelLog;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "the command and its arguments, after --")
    List<String> command = List.of();

    private volatile boolean interrupted;

    @Override
    public Integer call() throws IOException {
        try (Guest guest = Lab.start(guestOptions.toLabOptions())) {
            // Ctrl-C: the guest's folder goes too; the guest itself dies with this process in any case.
            Thread cleaner = new Thread(() -> {
                interrupted = true;
                stopQuietly(guest);
            });
            Runtime.getRuntime().addShutdownHook(cleaner);
            try {
                return run(guest);
            } finally {
                saveKernelLog(guest);
                removeHook(cleaner);
            }
        }
    }

    private int run(Guest guest) throws IOException {
        int status;
        try {
            guest.target(); // waits until it is up: the time limit is the command's alone
            status = runStreamed(guest);
        } catch (TargetLostException e) {
            if (!e.crashed()) { // its shell is gone, or does not answer
                throw e;
            }
            if (!interrupted) {
                report(guest, guest.panicked() ? "the guest crashed" : "the guest ended by itself");
            }
            return ExitCode.GUEST_CRASHED;
        } catch (GuestCrashedException e) { // it did not come up
            if (interrupted) {
                return ExitCode.GUEST_CRASHED;
            }
            throw e;
        } catch (CommandTimeoutException e) {
            report(guest, "time limit of " + timeout.toSeconds() + " s reached, guest ended");
            return ExitCode.TIME_LIMIT;
        }
        if (!guest.kernelWarnings().isEmpty()) {
            report(guest, "the guest's kernel complained (the command's own exit status was " + status + ")");
            return ExitCode.GUEST_CRASHED;
        }
        return status;
    }

    // Not System.out: its encoder would mangle bytes that are no text. Not closed: they are the process's own.
    @SuppressWarnings("resource")
    private int runStreamed(Guest guest) throws IOException {
        FileOutputStream stdout = new FileOutputStream(FileDescriptor.out);
        FileOutputStream stderr = new FileOutputStream(FileDescriptor.err);
        return GuestCommand.run(guest, command, Path.of("").toAbsolutePath(), timeout, stdout, stderr);
    }

    private static void report(Guest guest, String what) {
        System.err.println("kmolt: " + what + "; its kernel log:");
        System.err.println(guest.kernelLogExcerpt());
    }

    private void saveKernelLog(Guest guest) throws IOException {
        if (kernelLog != null && Files.exists(guest.kernelLog())) {
            Files.write(kernelLog, Files.readAllBytes(guest.kernelLog()));
        }
    }

    private static void stopQuietly(Guest guest) {
        try {
            guest.stop();
        } catch (IOException e) {
            // The process is ending; there is nobody to tell.
        }
    }

    private static void removeHook(Thread cleaner) {
        try {
            Runtime.getRuntime().removeShutdownHook(cleaner);
        } catch (IllegalStateException e) {
            // Shutting down: the hook is running.
        }
    }
}
