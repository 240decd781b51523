package io.kmolt.swap;

import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** The core module: the file that fits a target, and whether that one is loaded. */
final class Core {
    static final String SYSFS = "/sys/kernel/kmolt";
    private static final String BUILD_ID = "/sys/module/kmolt/notes/.note.gnu.build-id";
    private static final int NOTE_HEADER_SIZE = 16;

    private Core() {}

    /** Where the core for a kernel release is built, in the folder that kmolt runs from. */
    static Path file(String release) throws SwapException {
        Path home = Path.of(System.getProperty("kmolt.home", "."));
        Path file = home.resolve("target/kernel").resolve(release).resolve("kmolt.ko");
        if (!Files.exists(file)) {
            throw SwapException.unfit("there is no core for kernel " + release + " (" + file
                    + "): build it with make core KERNELS=" + release);
        }
        return file;
    }

    /** Makes sure that this build of the core is loaded; loads it if none is. */
    static KernelModule ensureLoaded(Target target, String release) throws IOException, SwapException {
        Path path = file(release);
        KernelModule core = read(path);
        if (target.exists(SYSFS)) {
            String loaded = HexFormat.of().formatHex(target.readFile(BUILD_ID)).substring(2 * NOTE_HEADER_SIZE);
            if (!loaded.equals(core.buildId().orElse(""))) {
                throw SwapException.unfit("another build of the core is loaded on " + target.describe() + " (build-id "
                        + loaded + "): revert what it has swapped, then rmmod kmolt");
            }
            return core;
        }
        try {
            target.insertModule(Files.readAllBytes(path), "kmolt", "");
        } catch (ModuleLoadException e) {
            throw SwapException.unfit("the core cannot be loaded: " + e.getMessage());
        }
        return core;
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
        return note.length <= NOTE_HEADER_SIZE ? "" : HexFormat.of().formatHex(note, NOTE_HEADER_SIZE, note.length);
    }
}
