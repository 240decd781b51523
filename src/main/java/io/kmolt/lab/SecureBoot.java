package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * UEFI firmware with Secure Boot on, for a guest: Debian's OVMF, with variables in which Debian's test key
 * ("snakeoil", made for this and known to everybody) is platform key, key exchange key and in the database of trusted
 * keys. The distribution's kernel gets a signature of that key beside its own; nothing else of it changes. A kernel of
 * Debian's that boots so locks itself down, loads signed modules only, and trusts that key for modules as well.
 */
final class SecureBoot {
    private static final Path CODE = Path.of("/usr/share/OVMF/OVMF_CODE_4M.fd");
    private static final Path VARIABLES = Path.of("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd");
    private static final Path KEY = Path.of("/usr/share/ovmf/PkKek-1-snakeoil.key");
    private static final Path CERTIFICATE = Path.of("/usr/share/ovmf/PkKek-1-snakeoil.pem");

    private SecureBoot() {}

    /**
     * Puts a guest's variables, key and kernel into its folder.
     *
     * @return the signed kernel
     * @throws LabException when firmware or a tool is missing, naming what to install
     */
    static Path prepare(Kernel kernel, Path folder) throws IOException {
        for (Path file : List.of(CODE, VARIABLES, KEY, CERTIFICATE)) {
            if (!Files.isReadable(file)) {
                throw new LabException(
                        "no firmware for Secure Boot: " + file + " is missing; install it with: apt-get install ovmf");
            }
        }
        Files.copy(VARIABLES, variables(folder));
        Path key = keyFile(folder);
        execute("openssl", "openssl", "pkey", "-in", "" + KEY, "-passin", "pass:snakeoil", "-out", "" + key);
        Path image = folder.resolve("vmlinuz");
        execute(
                "sbsigntool",
                "sbsign",
                "--key",
                "" + key,
                "--cert",
                "" + CERTIFICATE,
                "--output",
                "" + image,
                "" + kernel.image());
        return image;
    }

    /** QEMU's arguments. */
    static List<String> firmware(Path folder) {
        String flash = "if=pflash,format=raw,unit=";
        return List.of(
                "-drive", flash + "0,readonly=on,file=" + CODE,
                "-drive", flash + "1,file=" + QemuCommand.escape(variables(folder)));
    }

    /** Key and certificate that a guest trusts; empty if it was booted otherwise. */
    static Optional<List<Path>> key(Path folder) {
        Path key = keyFile(folder);
        return Files.exists(key) ? Optional.of(List.of(key, CERTIFICATE)) : Optional.empty();
    }

    private static Path keyFile(Path folder) {
        return folder.resolve("secure-boot.key");
    }

    private static Path variables(Path folder) {
        return folder.resolve("variables.fd");
    }

    private static void execute(String pack, String... argv) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new LabException("cannot run " + argv[0] + "; install it with: apt-get install " + pack, e);
        }
        try {
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (process.waitFor() != 0) {
                throw new LabException(String.join(" ", argv) + " failed: " + output.strip());
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LabException("interrupted during " + argv[0], e);
        }
    }
}
