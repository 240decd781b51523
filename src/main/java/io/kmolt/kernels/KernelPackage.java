package io.kmolt.kernels;

import io.kmolt.swap.KernelImages;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a distribution's package of a kernel holds, unpacked.
 *
 * @param name what to call it: the release, or the file or folder that it came in
 * @param release as in {@code uname -r}
 * @param image the boot image, which holds the types that the modules refer to; empty if the folder has none
 * @param modules the modules' files, by name as the kernel names them
 */
public record KernelPackage(String name, String release, Optional<Path> image, SortedMap<String, Path> modules) {
    private static final Pattern MODULE = Pattern.compile("(.+)\\.ko(\\.(xz|gz|zst))?");

    /**
     * Looks through an unpacked package.
     *
     * @param name what to call it
     * @param root the folder in which {@code lib/modules/RELEASE} is, or {@code usr/lib/modules/RELEASE}
     * @throws SwapException if that is not there, or not of one release
     */
    public static KernelPackage in(String name, Path root) throws IOException, SwapException {
        List<Path> releases = releases(root);
        if (releases.size() != 1) {
            throw SwapException.unfit(
                    releases.isEmpty()
                            ? name
                                    + ": there is no lib/modules/RELEASE in it; needed is a kernel's package, unpacked or as .deb"
                            : name + ": holds modules of several kernels: " + releases);
        }
        Path folder = releases.getFirst();
        String release = String.valueOf(folder.getFileName());
        Path image = root.resolve("boot").resolve("vmlinuz-" + release);
        return new KernelPackage(name, release, Optional.of(image).filter(Files::isRegularFile), modules(name, folder));
    }

    private static List<Path> releases(Path root) throws IOException {
        for (String place : List.of("lib/modules", "usr/lib/modules")) {
            Path folder = root.resolve(place);
            if (Files.isDirectory(folder)) {
                try (Stream<Path> inside = Files.list(folder)) {
                    return inside.filter(Files::isDirectory).sorted().toList();
                }
            }
        }
        return List.of();
    }

    private static SortedMap<String, Path> modules(String name, Path folder) throws IOException, SwapException {
        SortedMap<String, Path> modules = new TreeMap<>();
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.filter(Files::isRegularFile).sorted().toList();
        }
        for (Path file : files) {
            var matcher = MODULE.matcher(String.valueOf(file.getFileName()));
            if (matcher.matches()) {
                Path other = modules.put(matcher.group(1).replace('-', '_'), file);
                if (other != null) {
                    throw SwapException.unfit(name + ": has two modules of one name: " + other + " and " + file);
                }
            }
        }
        if (modules.isEmpty()) {
            throw SwapException.unfit(name + ": there is no module in " + folder);
        }
        return modules;
    }

    /** Finds the images that the modules' types refer to: its own first. */
    KernelImages images(KernelImages others) {
        return wanted -> wanted.equals(release) && image.isPresent() ? image : others.find(wanted);
    }
}
