package io.kmolt.swap;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.module.ModuleSummary;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads modules' files, and says in one sentence what is wrong with those that cannot be read. */
public final class ModuleFiles {
    private static final String NEEDED = "needed is a module's file (.ko), whole";

    private ModuleFiles() {}

    /** Sums up a file of the machine that kmolt runs on. */
    public static ModuleSummary summary(Path path) throws IOException, SwapException {
        byte[] bytes = bytes(path);
        KernelModule module = parse(path.toString(), bytes);
        try {
            return ModuleSummary.of(module, Compressed.expand(path.toString(), bytes));
        } catch (ElfException e) {
            throw new IllegalStateException(e); // it was expanded a moment ago
        }
    }

    /** Reads a file of the machine that kmolt runs on. */
    static KernelModule read(Path path) throws IOException, SwapException {
        return parse(path.toString(), bytes(path));
    }

    /** Reads a file of the machine that kmolt runs on, be it a module or any other object. */
    static KernelModule readObject(Path path) throws IOException, SwapException {
        return parse(KernelModule::parseObject, path.toString(), bytes(path));
    }

    private static byte[] bytes(Path path) throws IOException, SwapException {
        if (Files.isDirectory(path)) {
            throw SwapException.unfit(path + ": is a folder; " + NEEDED);
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw SwapException.unfit(path + ": is no regular file; " + NEEDED);
        }
        try {
            return Files.readAllBytes(path);
        } catch (NoSuchFileException e) {
            throw SwapException.unfit(path + ": there is no such file");
        } catch (AccessDeniedException e) {
            throw SwapException.unfit(path + ": permission denied; run kmolt as somebody who may read it");
        }
    }

    /**
     * Takes a module's bytes apart.
     *
     * @param name what to call it in messages
     */
    static KernelModule parse(String name, byte[] bytes) throws SwapException {
        return parse(KernelModule::parse, name, bytes);
    }

    private interface Parser {
        KernelModule parse(String name, byte[] bytes) throws ModuleException, ElfException;
    }

    private static KernelModule parse(Parser parser, String name, byte[] bytes) throws SwapException {
        try {
            return parser.parse(name, bytes);
        } catch (ModuleException | ElfException e) {
            String problem = String.valueOf(e.getMessage());
            throw SwapException.unfit(problem.contains("; ") ? problem : problem + "; " + NEEDED);
        }
    }
}
