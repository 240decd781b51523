package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Gets distribution kernels with {@code apt-get download} and unpacks them into the cache. Nothing is installed, no
 * package script runs. Everything happens in a temporary folder beside the goal, which a rename completes.
 */
public final class KernelFetcher {
    /** {@code uname -r} of a Debian kernel, which is also what its packages are called. */
    private static final Pattern VERSION = Pattern.compile("[0-9][A-Za-z0-9.+~-]*");

    /** The packages that a headers package is split over. */
    private static final Pattern HEADER_PARTS =
            Pattern.compile("\\b(linux-headers-[^ ,(]+-common|linux-kbuild-[^ ,(]+)");

    private final KernelCache cache;

    public KernelFetcher(KernelCache cache) {
        this.cache = cache;
    }

    /**
     * Makes a kernel bootable: fetches {@code linux-image-VERSION} unless it is there.
     *
     * @throws LabException when the package is not to be had, naming what to do
     */
    public Kernel fetch(String version) throws IOException {
        check(version);
        Kernel kernel = cache.kernel(version);
        if (kernel.isComplete()) {
            return kernel;
        }
        if (Files.isRegularFile(kernel.image())) { // unpacked by hand: only the index is missing
            depmod(kernel.folder(), version);
            return kernel;
        }
        Path fresh = temporaryFolder();
        try {
            Path tree = fresh.resolve("tree");
            unpack(download("linux-image-" + version, fresh), tree);
            depmod(tree, version);
            if (Files.isDirectory(kernel.folder())) {
                GuestFolders.delete(kernel.folder());
            }
            Files.move(tree, kernel.folder());
        } catch (IOException e) {
            if (!kernel.isComplete()) { // else another process was faster
                throw e;
            }
        } finally {
            GuestFolders.delete(fresh);
        }
        return kernel;
    }

    /**
     * Adds the headers for building modules, so that {@code make -C $cache/kernels/VERSION/usr/src/linux-headers-VERSION
     * M=... modules} works from where they are.
     *
     * @throws LabException when a package is not to be had
     */
    public Kernel fetchHeaders(String version) throws IOException {
        Kernel kernel = fetch(version);
        if (Files.isDirectory(kernel.headers())) {
            return kernel;
        }
        Path fresh = temporaryFolder();
        try {
            Path tree = fresh.resolve("tree");
            Path headers = download("linux-headers-" + version, fresh);
            Matcher parts = HEADER_PARTS.matcher(execute(fresh, "dpkg-deb", "-f", headers.toString(), "Depends"));
            unpack(headers, tree);
            while (parts.find()) {
                unpack(download(parts.group(1), fresh), tree);
            }
            Path name = Path.of("usr/src/linux-headers-" + version);
            relocate(tree.resolve(name).resolve("Makefile"), kernel.folder());
            // The part that headers() looks at goes last: with it the whole is there.
            adopt(tree.resolve("usr/lib"), kernel.folder().resolve("usr/lib"), "");
            adopt(tree.resolve("usr/src"), kernel.folder().resolve("usr/src"), "linux-headers-" + version);
            link(kernel.modules().resolve("build"), kernel.headers());
            Files.move(tree.resolve(name), kernel.headers());
        } finally {
            GuestFolders.delete(fresh);
        }
        return kernel;
    }

    /** The packages' only absolute paths: {@code include /usr/src/linux-headers-…-common/Makefile}. */
    private static void relocate(Path makefile, Path root) throws IOException {
        String text = Files.readString(makefile);
        Files.writeString(makefile, text.replaceAll("(?m)^include /usr/src/", "include " + root + "/usr/src/"));
    }

    /** Moves a folder's entries, except one, to where those that are there already are kept. */
    private static void adopt(Path from, Path to, String except) throws IOException {
        Files.createDirectories(to);
        List<Path> entries;
        try (Stream<Path> all = Files.list(from)) {
            entries = all.toList();
        }
        for (Path entry : entries) {
            Path goal = to.resolve(entry.getFileName());
            if (!entry.endsWith(except) && !Files.exists(goal, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(entry, goal);
            }
        }
    }

    private static void link(Path link, Path goal) throws IOException {
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, goal);
    }

    private static void check(String version) throws LabException {
        if (!VERSION.matcher(version).matches()) {
            throw new LabException(
                    "\"" + version + "\" is no kernel version; one looks like " + KernelCache.DEFAULT_VERSION);
        }
    }

    private Path temporaryFolder() throws IOException {
        Path kernels = Files.createDirectories(cache.root().resolve("kernels"));
        return Files.createTempDirectory(kernels, ".fetch-");
    }

    private static Path download(String pack, Path folder) throws IOException {
        execute(folder, "apt-get", "-q", "download", pack);
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> String.valueOf(f.getFileName()).startsWith(pack + "_"))
                    .findFirst()
                    .orElseThrow(() -> new LabException("apt-get download " + pack + " left no file"));
        }
    }

    private static void unpack(Path pack, Path tree) throws IOException {
        execute(Path.of("/"), "dpkg-deb", "-x", pack.toString(), tree.toString());
        Files.delete(pack);
    }

    private static void depmod(Path tree, String version) throws IOException {
        execute(
                tree,
                Files.isExecutable(Path.of("/sbin/depmod")) ? "/sbin/depmod" : "depmod",
                "-b",
                "" + tree,
                version);
    }

    static String execute(Path folder, String... argv) throws IOException {
        List<String> command = new ArrayList<>(List.of(argv));
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new LabException("cannot run " + argv[0] + ": " + e.getMessage(), e);
        }
        String output;
        try {
            process.getOutputStream().close();
            output = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (process.waitFor() == 0) {
                return output;
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LabException("interrupted during " + String.join(" ", argv), e);
        }
        String advice = argv[0].equals("apt-get")
                ? "; the package lists may be old or lack its source: try apt-get update, and apt-cache search "
                        + "--names-only '^linux-image-[0-9]' for what there is"
                : "";
        throw new LabException(String.join(" ", argv) + " failed: " + output.strip() + advice);
    }
}
