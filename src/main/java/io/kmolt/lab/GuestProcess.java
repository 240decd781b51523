package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The QEMU process of a guest: either tied to this JVM's life, or on its own. */
final class GuestProcess {
    /**
     * Runs QEMU until it ends or the standard input does, that is until the JVM that holds its other end is gone,
     * however it went; the guest's folder, the first argument, is removed then. Should this shell be killed itself, the
     * kernel kills QEMU.
     */
    private static final String SUPERVISOR = "d=$1; shift; setpriv --pdeathsig KILL \"$@\" </dev/null & q=$!; "
            + "exec 3<&0 </dev/null; { read -r x <&3; rm -rf \"$d\"; kill -KILL $q; } 2>/dev/null & w=$!; "
            + "exec 3<&-; wait $q; s=$?; kill $w 2>/dev/null; exit $s";

    private final Path folder;
    private final ProcessHandle handle;

    private GuestProcess(Path folder, ProcessHandle handle) {
        this.folder = folder;
        this.handle = handle;
    }

    /** Starts QEMU as this JVM's companion. */
    static GuestProcess startSupervised(QemuCommand qemu) throws IOException {
        List<String> argv =
                new ArrayList<>(List.of("setsid", "sh", "-c", SUPERVISOR, "kmolt-lab-supervisor", "" + qemu.folder()));
        argv.addAll(qemu.argv());
        Process supervisor = start(qemu, argv);
        GuestProcess process = new GuestProcess(qemu.folder(), supervisor.toHandle());
        process.awaitSockets(qemu);
        return process;
    }

    /** Starts QEMU on its own; returns when it runs. */
    static GuestProcess startDetached(QemuCommand qemu) throws IOException {
        List<String> argv = new ArrayList<>(qemu.argv());
        argv.add("-daemonize");
        Process launcher = start(qemu, argv);
        try {
            if (launcher.waitFor() != 0) {
                throw new LabException("QEMU did not start: " + complaint(qemu.folder()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while QEMU started", e);
        }
        return of(qemu.folder())
                .orElseThrow(() -> new LabException("QEMU ended right away: " + complaint(qemu.folder())));
    }

    /** The QEMU process of a guest that is on its own; empty when it has ended. */
    static Optional<GuestProcess> of(Path folder) {
        try {
            long pid = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
            // The number may belong to another process by now: a guest's command line names its folder.
            String commandLine = Files.readString(Path.of("/proc/" + pid + "/cmdline"));
            if (!commandLine.contains(folder + "/pid")) {
                return Optional.empty();
            }
            return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).map(h -> new GuestProcess(folder, h));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Process start(QemuCommand qemu, List<String> argv) throws IOException {
        try {
            return new ProcessBuilder(argv)
                    .redirectOutput(qemu.folder().resolve("qemu.log").toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new LabException(
                    "cannot start " + argv.getFirst() + " (" + e.getMessage()
                            + "); install it with: apt-get install qemu-system-x86",
                    e);
        }
    }

    private void awaitSockets(QemuCommand qemu) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!Files.exists(qemu.pidFile()) || !listens(qemu.socket(QemuCommand.LAST_PORT))) {
            if (!alive() || System.nanoTime() > deadline) {
                kill();
                throw new LabException("QEMU did not start: " + complaint());
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                kill();
                Thread.currentThread().interrupt();
                throw new LabException("interrupted while QEMU started", e);
            }
        }
    }

    private static boolean listens(Path socket) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false; // not yet
        }
    }

    boolean alive() {
        return handle.isAlive();
    }

    /** Waits for the process's end, at most this long. */
    void awaitEnd(Duration limit) {
        try {
            handle.onExit().get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            // Still there; alive() tells.
        } catch (ExecutionException e) {
            throw new IllegalStateException("waiting for a process failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it at once, and its supervisor with it. */
    void kill() {
        ProcessHandle qemu = qemuOf(folder, handle);
        qemu.destroyForcibly();
        awaitEnd(Duration.ofSeconds(10));
        handle.destroyForcibly(); // it was not up yet, or does not notice: the kernel kills QEMU with its supervisor
        awaitEnd(Duration.ofSeconds(10));
        new GuestProcess(folder, qemu).awaitEnd(Duration.ofSeconds(10));
    }

    private static ProcessHandle qemuOf(Path folder, ProcessHandle fallback) {
        return of(folder).map(p -> p.handle).orElse(fallback);
    }

    /** What QEMU itself had to say; empty when nothing. */
    String complaint() {
        return complaint(folder);
    }

    private static String complaint(Path folder) {
        try {
            return Files.readString(folder.resolve("qemu.log"), UTF_8).strip();
        } catch (IOException e) {
            return "";
        }
    }

    long pid() {
        return qemuOf(folder, handle).pid();
    }
}
