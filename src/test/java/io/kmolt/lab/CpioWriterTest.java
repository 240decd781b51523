package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioWriterTest {
    @TempDir
    private Path folder;

    @Test
    void anotherProgramUnpacksWhatWasPacked() throws Exception {
        byte[] large = new byte[100_001];
        new Random(3).nextBytes(large);
        Path archive = folder.resolve("archive");
        try (var out = Files.newOutputStream(archive)) {
            CpioWriter cpio = new CpioWriter(out);
            cpio.folder("empty");
            cpio.file("init", 0755, "#!/bin/sh\n".getBytes(UTF_8));
            cpio.file("a/b/large", 0600, large);
            cpio.file("a/b/nothing", 0644, new byte[0]);
            cpio.finish();
        }
        Path tree = Files.createDirectory(folder.resolve("tree"));
        Process unpack = new ProcessBuilder(List.of("busybox", "cpio", "-idm"))
                .directory(tree.toFile())
                .redirectInput(archive.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(unpack.getInputStream().readAllBytes(), UTF_8);
        assertThat(unpack.waitFor()).as(said).isZero();
        assertThat(tree.resolve("empty")).isEmptyDirectory();
        assertThat(tree.resolve("init")).hasContent("#!/bin/sh").isExecutable();
        assertThat(Files.readAllBytes(tree.resolve("a/b/large"))).isEqualTo(large);
        assertThat(Files.getPosixFilePermissions(tree.resolve("a/b/large"))).hasSize(2);
        assertThat(tree.resolve("a/b/nothing")).isEmptyFile();
    }

    @Test
    void equalContentMakesEqualArchives() throws IOException {
        assertThat(sample()).isEqualTo(sample()).hasSizeGreaterThan(300);
    }

    private static byte[] sample() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        CpioWriter cpio = new CpioWriter(out);
        cpio.file("x/y", 0644, new byte[] {1, 2, 3});
        cpio.finish();
        return out.toByteArray();
    }
}
