package io.kmolt.btf;

import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
     * Encodes a module's types. The module itself stays as it is; pahole works on a copy.
     *
     * @param module a {@code .ko} with debugging information
     * @param vmlinuxBtf the raw BTF of the kernel that it was built for, as {@link VmlinuxBtf#file} provides it
     * @return the contents of the {@code .BTF} section, to be read by {@link Btf#parseSplit}
     * @throws BtfException if the module has no debugging information, or pahole is missing or fails
     * @throws IOException if the module cannot be read
     */
    public static byte[] encode(Path module, Path vmlinuxBtf) throws BtfException, IOException {
        return new Pahole.Run("pahole").encode(module, vmlinuxBtf);
    }

    /**
     * Encodes all types that an object knows, those of the kernel included.
     *
     * @return the contents of the {@code .BTF} section, to be read by {@link Btf#parse}
     */
    public static byte[] encodeAlone(Path object) throws BtfException, IOException {
        return new Pahole.Run("pahole").encode(object, List.of());
    }

    /** One use of one pahole; tests have another program in its place. */
    record Run(String program) {
        byte[] encode(Path module, Path vmlinuxBtf) throws BtfException, IOException {
            return encode(
                    module, List.of("--btf_base", vmlinuxBtf.toAbsolutePath().toString()));
        }

        byte[] encode(Path module, List<String> options) throws BtfException, IOException {
            if (section(module, ".debug_info").isEmpty()) {
                throw new BtfException(
                        module.toString(),
                        "has no debugging information (.debug_info) to make type information from;"
                                + " build it with -g, and do not strip it");
            }
            Path folder = Files.createTempDirectory("kmolt-pahole");
            try {
                Path copy = folder.resolve("module.ko");
                Files.copy(module, copy, StandardCopyOption.REPLACE_EXISTING);
                run(module, copy, options);
                return section(copy, ".BTF")
                        .orElseThrow(() -> new BtfException(module.toString(), program + " added no .BTF to it"));
            } finally {
                deleteAll(folder);
            }
        }

        private void run(Path module, Path copy, List<String> options) throws BtfException, IOException {
            Path log = copy.resolveSibling("log");
            List<String> command = new ArrayList<>(List.of(program, "-J", "--btf_gen_floats"));
            command.addAll(options);
            command.add(copy.toString());
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
            builder.environment().put("LLVM_OBJCOPY", "objcopy"); // pahole would look for llvm-objcopy
            Process process;
            try {
                process = builder.start();
            } catch (IOException e) {
                throw new BtfException(
                        module.toString(),
                        program
                                + " is needed to make its type information, and cannot be run (Debian: apt install dwarves)",
                        e);
            }
            try {
                if (!process.waitFor(TIME_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                    throw new BtfException(
                            module.toString(), "%s was not done after %d s".formatted(program, TIME_LIMIT_SECONDS));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BtfException(module.toString(), program + " was interrupted", e);
            } finally {
                process.destroyForcibly();
            }
            if (process.exitValue() != 0) {
                String said = new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                        .strip()
                        .replace(copy.toString(), module.toString());
                String shown = said.length() > MESSAGE_LENGTH ? said.substring(0, MESSAGE_LENGTH) + "…" : said;
                throw new BtfException(
                        module.toString(),
                        "%s failed with status %d: %s".formatted(program, process.exitValue(), shown));
            }
        }

        private static Optional<byte[]> section(Path file, String name) throws BtfException, IOException {
            try {
                ElfObject object = ElfObject.read(file);
                return object.section(name).map(object::content);
            } catch (ElfException e) {
                throw new BtfException(file.toString(), e.problem(), e);
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
