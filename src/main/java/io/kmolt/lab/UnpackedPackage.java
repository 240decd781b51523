package io.kmolt.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A package's files in a folder of their own, beside the cache's kernels, for as long as it is open; also if the process
 * is interrupted.
 */
public final class UnpackedPackage implements AutoCloseable {
    private final Path folder;
    private final Thread hook;

    private UnpackedPackage(Path folder) {
        this.folder = folder;
        this.hook = new Thread(() -> {
            try {
                GuestFolders.delete(folder);
            } catch (IOException e) {
                // The process is ending; there is nobody to tell.
            }
        });
    }

    /**
     * Unpacks a {@code .deb}; no script of it runs.
     *
     * @throws LabException if it is none
     */
    public static UnpackedPackage of(Path file, KernelCache cache) throws IOException {
        Path kernels = Files.createDirectories(cache.root().resolve("kernels"));
        UnpackedPackage unpacked = new UnpackedPackage(Files.createTempDirectory(kernels, ".unpacked-"));
        Runtime.getRuntime().addShutdownHook(unpacked.hook);
        try {
            KernelFetcher.execute(Path.of("/"), "dpkg-deb", "-x", "" + file.toAbsolutePath(), "" + unpacked.folder);
            return unpacked;
        } catch (IOException e) {
            unpacked.close();
            throw e;
        }
    }

    public Path folder() {
        return folder;
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // shutting down: the hook is at it
        }
        GuestFolders.delete(folder);
    }
}
