package io.kmolt.swap;

import io.kmolt.elf.ElfException;
import io.kmolt.link.Descriptor;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** The core module: the file that fits a target, and whether that one is loaded. */
public final class Core {
    public static final String SYSFS = "/sys/kernel/kmolt";
    private static final int NOTE_HEADER_SIZE = 16;

    private Core() {}

    /** Where the core for a kernel release is built, in the folder that kmolt runs from. */
    public static Path file(String release) throws SwapException {
        Path home = Path.of(System.getProperty("kmolt.home", "."));
        Path file = home.resolve("target/kernel").resolve(release).resolve("kmolt.ko");
        if (!Files.exists(file)) {
            throw SwapException.unfit("there is no core for kernel " + release + " (" + file + ")");
        }
        return file;
    }

    /** What is built for a kernel release. */
    static BuiltCore built(String release) throws IOException {
        try {
            Path path = file(release);
            KernelModule core = read(path);
            String abi = core.info("kmolt_abi");
            String problem = abi.equals("" + Descriptor.ABI)
                    ? ""
                    : "%s was built with ABI %s, needed is %d"
                            .formatted(path, abi.isEmpty() ? "below 3" : abi, Descriptor.ABI);
            return new BuiltCore(path.toString(), core.buildId().orElse(""), problem);
        } catch (SwapException e) {
            return new BuiltCore("", "", String.valueOf(e.getMessage()));
        }
    }

    /**
     * The core for a kernel release, and that the target has no other one loaded.
     *
     * @param loaded what the target says of its core
     */
    public static KernelModule fitting(Target target, String release, CoreState loaded)
            throws IOException, SwapException {
        KernelModule core = read(file(release));
        if (loaded.loaded() && !loaded.buildId().equals(core.buildId().orElse(""))) {
            throw SwapException.unfit("another build of the core is loaded on " + target.describe() + " (build-id "
                    + loaded.buildId() + "): revert what it has swapped, unload those modules, then rmmod kmolt");
        }
        return core;
    }

    /** Loads the core, if that is not done. */
    public static void load(Target target, String release) throws IOException, SwapException {
        if (target.exists(SYSFS)) {
            return;
        }
        try {
            target.insertModule(Files.readAllBytes(file(release)), "kmolt", "");
        } catch (ModuleLoadException e) {
            // Another kmolt may have been faster.
            if (!target.exists(SYSFS)) {
                throw SwapException.unfit("the core cannot be loaded: " + e.getMessage());
            }
        }
    }

    private static KernelModule read(Path path) throws IOException, SwapException {
        try {
            return KernelModule.read(path);
        } catch (ModuleException | ElfException e) {
            throw SwapException.unfit("the core's file is damaged: " + e.getMessage());
        }
    }

    /** The build-id in an ELF note as the kernel shows it. */
    static String buildId(byte[] note) {
        return buildId(HexFormat.of().formatHex(note));
    }

    /** The build-id in an ELF note, both in hexadecimal. */
    static String buildId(String note) {
        return note.length() <= 2 * NOTE_HEADER_SIZE ? "" : note.substring(2 * NOTE_HEADER_SIZE);
    }
}
