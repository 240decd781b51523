package io.kmolt.kernels;

import io.kmolt.lab.Kernel;
import io.kmolt.lab.KernelCache;
import io.kmolt.lab.KernelFetcher;
import io.kmolt.lab.LabException;
import io.kmolt.lab.UnpackedPackage;
import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where a kernel's package comes from; what was unpacked for the purpose goes when it is closed. */
public final class PackageSource implements AutoCloseable {
    private final KernelPackage kernelPackage;
    private final Optional<UnpackedPackage> unpacked;

    private PackageSource(KernelPackage kernelPackage, Optional<UnpackedPackage> unpacked) {
        this.kernelPackage = kernelPackage;
        this.unpacked = unpacked;
    }

    /**
     * Opens what a user named.
     *
     * @param word a folder with an unpacked package, a {@code .deb}, or a release, which is fetched unless it is there
     */
    public static PackageSource open(String word, KernelCache cache, Progress progress)
            throws IOException, SwapException {
        Path path = Path.of(word);
        if (Files.isDirectory(path)) {
            return new PackageSource(KernelPackage.in(word, path), Optional.empty());
        }
        if (Files.isRegularFile(path)) {
            return unpacked(path, cache, progress);
        }
        if (word.contains("/") || !word.matches("[0-9].*")) {
            throw SwapException.unfit(word
                    + ": there is no such file or folder, and it is no release; needed is a release such as "
                    + KernelCache.DEFAULT_VERSION + ", a .deb, or a folder with lib/modules");
        }
        return new PackageSource(fetched(word, cache, progress), Optional.empty());
    }

    private static KernelPackage fetched(String release, KernelCache cache, Progress progress)
            throws IOException, SwapException {
        if (cache.find(release).isEmpty()) {
            progress.step("fetching kernel " + release + ": some 70 MB to download, 400 MB in " + cache.root());
        }
        try {
            Kernel kernel = new KernelFetcher(cache).fetch(release);
            return KernelPackage.in(release, kernel.folder());
        } catch (LabException e) {
            throw SwapException.unfit(String.valueOf(e.getMessage()));
        }
    }

    private static PackageSource unpacked(Path file, KernelCache cache, Progress progress)
            throws IOException, SwapException {
        progress.step("unpacking " + file);
        UnpackedPackage unpacked;
        try {
            unpacked = UnpackedPackage.of(file, cache);
        } catch (LabException e) {
            throw SwapException.unfit(
                    file + ": cannot be unpacked; needed is a .deb, a folder or a release: " + e.getMessage());
        }
        try {
            return new PackageSource(KernelPackage.in(file.toString(), unpacked.folder()), Optional.of(unpacked));
        } catch (IOException | SwapException e) {
            unpacked.close();
            throw e;
        }
    }

    public KernelPackage kernelPackage() {
        return kernelPackage;
    }

    @Override
    public void close() throws IOException {
        if (unpacked.isPresent()) {
            unpacked.get().close();
        }
    }
}
