package io.kmolt.lab;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * Guests that stay up in the background, each in a folder of the cache.
 *
 * @param cache where kernels and guests are
 */
public record NamedGuests(KernelCache cache) {
    /** The guests of this user. */
    public static NamedGuests ofUser() {
        return new NamedGuests(KernelCache.ofUser());
    }

    /**
     * What is known about a guest.
     *
     * @param state {@code running}, {@code complaining} (its kernel warned), {@code crashed} or {@code ended}
     */
    public record Entry(String name, String kernel, String cpus, String memory, String state, Path kernelLog) {}

    /**
     * Boots a guest that goes on without this JVM, and waits until it is up.
     *
     * @throws GuestBusyException when one of that name runs
     * @throws LabException when it cannot be started
     */
    public Guest start(String name, LabOptions options) throws IOException {
        Kernel kernel = cache.require(options.kernel());
        Path folder = folder(name);
        GuestFolders.checkLength(folder);
        Files.createDirectories(root());
        try (FileChannel starting =
                FileChannel.open(root().resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (starting.tryLock() == null) {
                throw new GuestBusyException("a guest named " + name + " is being started");
            }
            if (GuestProcess.of(folder).isPresent()) {
                throw new GuestBusyException(
                        "a guest named " + name + " runs already; end it with: kmolt lab stop " + name);
            }
            return start(name, options, kernel, folder);
        } catch (OverlappingFileLockException e) { // another thread of this very process
            throw new GuestBusyException("a guest named " + name + " is being started");
        }
    }

    private Guest start(String name, LabOptions options, Kernel kernel, Path folder) throws IOException {
        GuestFolders.delete(folder);
        Files.createDirectory(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try {
            QemuCommand qemu = Lab.prepare(options, kernel, folder, cache);
            save(options, folder);
            Guest guest = new Guest(name, folder, GuestProcess.startDetached(qemu), false);
            try {
                guest.target();
                return guest;
            } catch (IOException | RuntimeException e) {
                guest.stop();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            GuestFolders.delete(folder);
            throw e;
        }
    }

    /**
     * A guest that runs.
     *
     * @throws GuestMissingException when there is none of that name
     * @throws GuestCrashedException when there was one and it crashed
     */
    public Guest attach(String name) throws IOException {
        Path folder = folder(name);
        Optional<GuestProcess> process = GuestProcess.of(folder);
        if (process.isPresent()) {
            return new Guest(name, folder, process.get(), false);
        }
        if (Files.isDirectory(folder)) {
            GuestLog log = log(folder);
            throw new GuestCrashedException(
                    "lab:" + name + (log.panicked() ? " panicked" : " has ended")
                            + " (start it anew with: kmolt lab start " + name + ")",
                    log.excerpt(80));
        }
        throw new GuestMissingException("no guest named " + name + " runs; start it with: kmolt lab start " + name);
    }

    /**
     * Ends a guest, or removes what one that ended left behind.
     *
     * @throws GuestMissingException when there is none of that name
     */
    public void stop(String name) throws IOException {
        Path folder = folder(name);
        Optional<GuestProcess> process = GuestProcess.of(folder);
        if (process.isEmpty() && !Files.isDirectory(folder)) {
            throw new GuestMissingException("no guest named " + name + " runs");
        }
        process.ifPresent(GuestProcess::kill);
        GuestFolders.delete(folder);
        Files.deleteIfExists(root().resolve(name + ".lock"));
    }

    /** All guests, those that ended without being stopped included, sorted by name. */
    public List<Entry> list() throws IOException {
        List<Entry> entries = new ArrayList<>();
        if (!Files.isDirectory(root())) {
            return entries;
        }
        List<Path> folders;
        try (Stream<Path> all = Files.list(root())) {
            folders = all.filter(Files::isDirectory).sorted().toList();
        }
        for (Path folder : folders) {
            Properties options = load(folder);
            GuestLog log = log(folder);
            boolean alive = GuestProcess.of(folder).isPresent();
            String state = log.panicked()
                    ? "crashed"
                    : !alive ? "ended" : log.warnings().isEmpty() ? "running" : "complaining";
            entries.add(new Entry(
                    String.valueOf(folder.getFileName()),
                    options.getProperty("kernel", "?"),
                    options.getProperty("cpus", "?"),
                    options.getProperty("memory", "?"),
                    state,
                    log.file()));
        }
        return entries;
    }

    private Path root() {
        return cache.root().resolve("guests");
    }

    private Path folder(String name) throws LabException {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")) {
            throw new LabException("\"" + name + "\" is no name for a guest: letters, digits, - _ . only, 40 at most");
        }
        return root().resolve(name);
    }

    private static GuestLog log(Path folder) {
        return new GuestLog(folder.resolve("console.log"));
    }

    private static void save(LabOptions options, Path folder) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("kernel", options.kernel());
        properties.setProperty("cpus", "" + options.cpus());
        properties.setProperty("memory", "" + options.memory());
        try (Writer out = Files.newBufferedWriter(folder.resolve("options"))) {
            properties.store(out, null);
        }
    }

    private static Properties load(Path folder) throws IOException {
        Properties properties = new Properties();
        Path file = folder.resolve("options");
        if (Files.isReadable(file)) {
            try (Reader in = Files.newBufferedReader(file)) {
                properties.load(in);
            }
        }
        return properties;
    }
}
