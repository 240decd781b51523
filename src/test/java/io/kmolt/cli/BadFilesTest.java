package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;

import io.kmolt.elf.Corpus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said of files that are no module, or no longer one. */
class BadFilesTest {
    private static final Path MINIX = Corpus.module(Corpus.BOOKWORM, "minix");

    @TempDir
    private Path folder;

    @Test
    void missing() {
        refused(folder.resolve("no.ko"), "there is no such file");
    }

    @Test
    void folder() {
        refused(folder, "is a folder; needed is a module's file");
    }

    @Test
    void device() {
        refused(Path.of("/dev/zero"), "is no regular file; needed is a module's file");
    }

    @Test
    void empty() throws IOException {
        refused(file("empty.ko", new byte[0]), "the file is empty; needed is a module's file");
    }

    @Test
    void text() throws IOException {
        refused(
                file("text.ko", "all: modules\n".getBytes(StandardCharsets.UTF_8)),
                "not an ELF file; needed is a module's file");
    }

    @Test
    void compressedAndDamaged() throws IOException {
        byte[] xz = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 0, 4};
        refused(file("minix.ko.xz", xz), "compressed with xz, and damaged");
        byte[] gzip = {0x1f, (byte) 0x8b, 8, 0};
        refused(file("minix.ko.gz", gzip), "compressed with gzip, and damaged");
    }

    @Test
    void compressedInAWayThatKmoltDoesNotRead() throws IOException {
        byte[] zstd = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, 0, 0, 0};
        refused(file("minix.ko.zst", zstd), "compressed with zstd; decompress it first");
    }

    @Test
    void anotherArchitecture() throws IOException {
        byte[] bytes = Files.readAllBytes(MINIX);
        bytes[18] = (byte) 183; // EM_AARCH64
        refused(file("arm.ko", bytes), "machine is 183; kmolt works with 62 (x86-64)");
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 17, 63, 64, 4_000, 50_000, 90_000})
    void cutShort(int size) throws IOException {
        refused(file("cut.ko", Arrays.copyOf(Files.readAllBytes(MINIX), size)), "offset");
    }

    @Test
    void anObjectThatIsNoModule() throws IOException {
        byte[] bytes = Files.readAllBytes(MINIX);
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(".gnu.linkonce.this_module");
        bytes[at + 1] = 'x';
        Path object = file("object.ko", bytes);
        run("info", object).exits(ExitCode.UNFIT).complains("kmolt: " + object + ": is not a kernel module");
        run("diff", MINIX, object)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("not swappable because object cannot be compared: only one of the two files is a whole module");
    }

    private Path file(String name, byte[] content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    private static void refused(Path bad, String why) {
        run("info", bad).exits(ExitCode.UNFIT).complains("kmolt: " + bad + ": ", why);
        run("diff", MINIX, bad).exits(ExitCode.UNFIT).complains("kmolt: " + bad + ": ", why);
        run("diff", bad, MINIX).exits(ExitCode.UNFIT).complains(why);
    }
}
