package io.kmolt.lab;

import io.kmolt.target.Epitaph;
import io.kmolt.target.ShellTarget;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A running guest.
 *
 * <p>It offers several independent root shells, so that one can load the guest while another drives the tool.
 */
public final class Guest implements AutoCloseable {
    /** How long a guest may take to come up; an emulated one on a busy machine takes its time. */
    static final Duration BOOT_LIMIT = Duration.ofMinutes(3);

    private static final int EXCERPT = 80;

    private final String name;
    private final Path folder;
    private final GuestLog log;
    private final GuestProcess process;
    private final boolean owned;
    private final List<Target> shells = new ArrayList<>();
    private @Nullable Target first;

    /** @param owned closing ends the guest */
    Guest(String name, Path folder, GuestProcess process, boolean owned) {
        this.name = name;
        this.folder = folder;
        this.log = new GuestLog(folder.resolve("console.log"));
        this.process = process;
        this.owned = owned;
    }

    /** {@code lab:NAME}. */
    public String describe() {
        return "lab:" + name;
    }

    /** The guest's first shell; always the same one. */
    public synchronized Target target() throws IOException {
        Target target = first;
        if (target == null) {
            target = openShell();
            first = target;
        }
        return target;
    }

    /**
     * Another shell of its own, independent of the others.
     *
     * @throws GuestBusyException when all of them are in use
     * @throws GuestCrashedException when the guest is gone
     */
    public synchronized Target openShell() throws IOException {
        for (int i = 0; i < QemuCommand.SHELLS; i++) {
            FileChannel lock = lock(i);
            if (lock != null) {
                try {
                    Target shell = connect(QemuCommand.shellPort(i), lock);
                    shells.add(shell);
                    return shell;
                } catch (IOException | RuntimeException e) {
                    lock.close();
                    throw e;
                }
            }
        }
        throw new GuestBusyException("all " + QemuCommand.SHELLS + " shells of " + describe() + " are in use");
    }

    private Target connect(String port, FileChannel lock) throws IOException {
        SocketChannel socket;
        try {
            socket = openPort(port);
        } catch (IOException e) {
            throw crash("cannot be reached: " + e.getMessage());
        }
        Runnable closer = () -> {
            closeQuietly(socket);
            closeQuietly(lock);
        };
        try {
            return ShellTarget.over(
                    describe(),
                    Channels.newInputStream(socket),
                    Channels.newOutputStream(socket),
                    closer,
                    this::epitaph,
                    BOOT_LIMIT);
        } catch (TargetException e) {
            if (!alive()) {
                throw crash("ended");
            }
            throw e;
        }
    }

    /** Connects to a port; what the guest writes there comes out. */
    SocketChannel openPort(String port) throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.connect(UnixDomainSocketAddress.of(folder.resolve(port + ".sock")));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private @Nullable FileChannel lock(int index) throws IOException {
        FileChannel channel = FileChannel.open(
                folder.resolve(QemuCommand.shellPort(index) + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // This very process uses it.
        }
        channel.close();
        return null;
    }

    /** The file that the guest's kernel log is recorded in, by its serial console. */
    public Path kernelLog() {
        return log.file();
    }

    /** The kernel's complaints since boot: the first line of each WARN, BUG, oops, panic, stall, lockup or hung task. */
    public List<String> kernelWarnings() {
        return log.warnings();
    }

    /** The kernel log from its first complaint on, or its end when there is none. */
    public String kernelLogExcerpt() {
        return log.excerpt(EXCERPT);
    }

    /** Whether the guest still runs. */
    public boolean alive() {
        return process.alive();
    }

    /** Process id of its emulator. */
    public long pid() {
        return process.pid();
    }

    /** Whether its kernel panicked. */
    public boolean panicked() {
        return log.panicked();
    }

    /** Describes the guest's end; waits a moment for it, because the console's last lines come before it. */
    GuestCrashedException crash(String what) {
        process.awaitEnd(Duration.ofSeconds(3));
        String failure = log.bootFailure();
        String complaint = process.complaint();
        String why = !failure.isEmpty()
                ? "could not boot: " + failure
                : panicked() ? "panicked" : complaint.isEmpty() ? what : what + ": " + complaint;
        return new GuestCrashedException(describe() + " " + why, kernelLogExcerpt());
    }

    private Epitaph epitaph() {
        process.awaitEnd(Duration.ofSeconds(3));
        if (alive()) {
            return Epitaph.NONE;
        }
        String how = panicked() ? "the guest panicked" : "the guest has ended";
        return new Epitaph(how + "; its kernel log:\n" + kernelLogExcerpt(), true);
    }

    /** Ends the guest at once, as pulling the plug does. */
    public void stop() throws IOException {
        process.kill(); // first: a thread that waits for the guest to come up holds the lock that closing needs
        closeShells();
        GuestFolders.delete(folder);
    }

    private synchronized void closeShells() {
        shells.forEach(Target::close);
        shells.clear();
        first = null;
    }

    /** Closes the shells; ends the guest when this object started it. */
    @Override
    public void close() throws IOException {
        if (owned) {
            stop();
        } else {
            closeShells();
        }
    }

    /** The private key and the certificate that this guest's firmware trusts, if it was booted with Secure Boot. */
    public Optional<List<Path>> secureBootKey() {
        return SecureBoot.key(folder);
    }

    Path folder() {
        return folder;
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            // It is gone, which is what closing is for.
        }
    }
}
