package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.kmolt.target.CommandResult;
import io.kmolt.target.ShellQuote;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs one command in a guest and streams its output, standard output and standard error apart, as it comes. */
public final class GuestCommand {
    private static final String FOLDER = "/run/kmolt-lab";

    private GuestCommand() {}

    /**
     * Runs a command with no input, in a folder of the guest, and waits for it.
     *
     * @param guest that nobody else runs a streamed command in
     * @return the command's exit status; 128 + N when signal N ended it, 126 when the folder is not there
     * @throws io.kmolt.target.CommandTimeoutException when it takes longer than {@code timeout}
     * @throws io.kmolt.target.TargetLostException when the guest ends meanwhile
     */
    public static int run(
            Guest guest, List<String> argv, Path folder, Duration timeout, OutputStream stdout, OutputStream stderr)
            throws IOException {
        Target target = guest.target();
        try (SocketChannel out = guest.openPort(QemuCommand.STDOUT_PORT);
                SocketChannel err = guest.openPort(QemuCommand.STDERR_PORT)) {
            String marker = "\036kmolt-end-" + UUID.randomUUID();
            CompletableFuture<Boolean> outDone = relay(out, stdout, marker);
            CompletableFuture<Boolean> errDone = relay(err, stderr, marker);
            target.writeText(FOLDER + "/job.sh", script(argv, folder, marker.substring(1)));
            CommandResult result = target.run(
                    "rm -f " + FOLDER + "/status; mkfifo " + FOLDER + "/status; echo " + FOLDER + "/job.sh >" + FOLDER
                            + "/job; read -r s <" + FOLDER + "/status; exit $s",
                    timeout);
            await(outDone);
            await(errDone);
            return result.status();
        }
    }

    /**
     * The streams go through pipes, because a port can be opened only once and commands open {@code /dev/stderr} anew.
     * The marker follows the command's last byte through the same pipe: whatever keeps the pipe open after that (a
     * process left in the background) is not waited for.
     */
    private static String script(List<String> argv, Path folder, String marker) {
        return """
                cd %2$s
                port() {
                    for p in /sys/class/virtio-ports/*; do
                        read -r name <"$p/name"
                        [ "$name" != "$1" ] || echo "/dev/${p##*/}"
                    done
                }
                rm -f stdout stderr
                mkfifo stdout stderr
                ./busybox cat stdout >"$(port stdout)" &
                ./busybox cat stderr >"$(port stderr)" &
                exec 8>stdout 9>stderr
                (
                    cd %3$s || exit 126
                    exec %1$s
                ) >&8 2>&9 8>&- 9>&-
                s=$?
                sync
                printf '\\036%%s' '%4$s' >&8
                printf '\\036%%s' '%4$s' >&9
                echo $s >status
                """.formatted(ShellQuote.words(argv), FOLDER, ShellQuote.word(folder.toString()), marker);
    }

    private static CompletableFuture<Boolean> relay(SocketChannel from, OutputStream to, String marker) {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("kmolt-relay").start(() -> {
            try {
                done.complete(new StreamRelay(marker.getBytes(US_ASCII)).copy(Channels.newInputStream(from), to));
            } catch (IOException e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    private static void await(CompletableFuture<Boolean> relay) throws IOException {
        try {
            relay.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new LabException("cannot pass the command's output on: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new LabException("the command's output did not end with it", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while passing output on", e);
        }
    }
}
