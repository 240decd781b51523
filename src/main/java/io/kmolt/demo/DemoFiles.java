package io.kmolt.demo;

import io.kmolt.lab.KernelCache;
import io.kmolt.lab.LabException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The files that the demonstration uses; a guest sees them at the same paths.
 *
 * @param newExt4 the build of ext4 that is swapped in
 * @param load the load generator
 * @param greeter1 version 1 of the example device
 * @param greeter2 version 2
 * @param meminfo editions of what prints /proc/meminfo
 */
record DemoFiles(Path newExt4, Path load, Path greeter1, Path greeter2, Path meminfo) {
    /** The kernel that is booted. */
    static final String RUNNING = "6.1.0-55-amd64";

    /** The kernel whose package the new build of ext4 comes from. */
    static final String UPDATE = "6.1.0-56-amd64";

    /**
     * Finds them.
     *
     * @throws LabException if one is missing, naming the next step
     */
    static DemoFiles find() throws IOException {
        KernelCache cache = KernelCache.ofUser();
        cache.require(RUNNING);
        Path fixtures = cache.root().resolve("fixtures");
        Path greeter = fixtures.resolve(UPDATE).resolve("greeter");
        return new DemoFiles(
                cache.require(UPDATE).module("ext4"),
                built(fixtures.resolve("bin/kmolt-load")),
                built(greeter.resolve("v1/greeter.ko")),
                built(greeter.resolve("v2/greeter.ko")),
                built(Path.of(System.getProperty("kmolt.home", "."), "target/editions", RUNNING, "meminfo.ko")
                        .toAbsolutePath()));
    }

    private static Path built(Path file) throws DemoFileMissingException {
        if (!Files.exists(file)) {
            throw new DemoFileMissingException(file);
        }
        return file;
    }
}
