package io.kmolt.btf;

import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Makes BTF for a module that has none, out of its DWARF, with {@code pahole}. Builds outside the kernel tree lack BTF
 * where the distribution's headers come without a vmlinux ("Skipping BTF generation … due to unavailability of vmlinux",
 * {@code scripts/Makefile.modfinal}); the options are those that Makefile gives.
 */
public final class Pahole {
    private static final int TIME_LIMIT_SECONDS = 120;
    private static final int MESSAGE_LENGTH = 500;

    private Pahole() {}

    /**
     * Encodes a module's types.
     *
     * @param module with debugging information
     * @param vmlinuxBtf a file with the raw BTF of the kernel that it was built for, as {@link VmlinuxBtf#file}
     * @return the contents of the {@code .BTF} section, to be read by {@link Btf#parseSplit}
     * @throws BtfException if the module has no debugging information, or pahole is missing or fails
     * @throws IOException if no temporary file can be written
     */
    public static byte[] encode(ElfObject module, Path vmlinuxBtf) throws BtfException, IOException {
        return new Pahole.Run("pahole").encode(module, Optional.of(vmlinuxBtf));
    }

    /** One use of one pahole; tests have another program in its place. */
    record Run(String program) {
        /**
         * Encodes an object's types.
         *
         * @param vmlinuxBtf without it, all types are encoded that the object knows, to be read by {@link Btf#parse}
         */
        byte[] encode(ElfObject object, Optional<Path> vmlinuxBtf) throws BtfException, IOException {
            if (object.section(".debug_info").isEmpty()) {
                throw new BtfException(
                        object.name(),
                        "has no debugging information (.debug_info) to make type information from;"
                                + " build it with -g, and do not strip it");
            }
            List<String> options = new ArrayList<>(List.of("-J", "--btf_gen_floats"));
            vmlinuxBtf.ifPresent(file ->
                    options.addAll(List.of("--btf_base", file.toAbsolutePath().toString())));
            Path folder = Files.createTempDirectory("kmolt-pahole");
            try {
                Path copy = Files.write(folder.resolve("module.ko"), object.bytes());
                run(object.name(), copy, options);
                return section(object.name(), copy);
            } finally {
                deleteAll(folder);
            }
        }

        /** What it says of its version. */
        String version() throws BtfException, IOException {
            Path folder = Files.createTempDirectory("kmolt-pahole");
            try {
                Path log = folder.resolve("log");
                await(program, start(program, List.of("--version"), log));
                return Files.readString(log).strip();
            } finally {
                deleteAll(folder);
            }
        }

        private void run(String name, Path copy, List<String> options) throws BtfException, IOException {
            Path log = copy.resolveSibling("log");
            List<String> arguments = new ArrayList<>(options);
            arguments.add(copy.toString());
            int status = await(name, start(name, arguments, log));
            if (status != 0) {
                String said = new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                        .strip()
                        .replace(copy.toString(), name);
                String shown = said.length() > MESSAGE_LENGTH ? said.substring(0, MESSAGE_LENGTH) + "…" : said;
                throw new BtfException(name, "%s failed with status %d: %s".formatted(program, status, shown));
            }
        }

        private Process start(String name, List<String> arguments, Path log) throws BtfException {
            List<String> command = new ArrayList<>(List.of(program));
            command.addAll(arguments);
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
            builder.environment().put("LLVM_OBJCOPY", "objcopy"); // pahole would look for llvm-objcopy
            try {
                return builder.start();
            } catch (IOException e) {
                throw new BtfException(
                        name,
                        program
                                + " is needed to make its type information, and cannot be run (Debian: apt install dwarves)",
                        e);
            }
        }

        private int await(String name, Process process) throws BtfException {
            try {
                if (!process.waitFor(TIME_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                    throw new BtfException(name, "%s was not done after %d s".formatted(program, TIME_LIMIT_SECONDS));
                }
                return process.exitValue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BtfException(name, program + " was interrupted", e);
            } finally {
                process.destroyForcibly();
            }
        }

        private byte[] section(String name, Path copy) throws BtfException, IOException {
            try {
                ElfObject object = ElfObject.read(copy);
                return object.section(".BTF")
                        .map(object::content)
                        .orElseThrow(() -> new BtfException(name, program + " added no .BTF to it"));
            } catch (ElfException e) {
                throw new BtfException(name, e.problem(), e);
            }
        }

        private static void deleteAll(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }
}
