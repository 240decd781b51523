package io.kmolt.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The folders that guests keep their sockets and logs in. */
final class GuestFolders {
    /** The longest path that a Unix socket can have (sun_path with its NUL, unix(7)). */
    private static final int SOCKET_PATH_LIMIT = 107;

    private static final int LONGEST_SOCKET_NAME = "/stdout.sock".length();

    private GuestFolders() {}

    /**
     * Refuses a folder whose sockets would have too long a path.
     *
     * @throws LabException naming the way out
     */
    static void checkLength(Path folder) throws LabException {
        if (folder.toString().length() + LONGEST_SOCKET_NAME > SOCKET_PATH_LIMIT) {
            throw new LabException("the path " + folder + " is too long for Unix sockets; set KMOLT_CACHE (or, for lab "
                    + "run, java.io.tmpdir) to a shorter one");
        }
    }

    /** Removes a folder with everything in it; fine when it is not there. */
    static void delete(Path folder) throws IOException {
        List<Path> inside;
        try (Stream<Path> walk = Files.walk(folder)) {
            inside = walk.sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return;
        } catch (UncheckedIOException e) { // something vanished while the list was made: another one is at it, too
            throw e.getCause() == null ? new IOException(e) : e.getCause();
        }
        for (Path path : inside) {
            Files.deleteIfExists(path);
        }
    }
}
