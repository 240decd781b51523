package io.kmolt.elf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What binutils thinks of an object. */
public final class Readelf {
    private Readelf() {}

    /** Everything that {@code readelf -aW} has to complain about; empty if nothing. */
    public static String complaints(byte[] object) throws IOException, InterruptedException {
        Path file = Files.createTempFile("kmolt", ".ko");
        try {
            Files.write(file, object);
            Process process = new ProcessBuilder("readelf", "-aW", file.toString())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String complaints = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? complaints : complaints + "exit status " + process.exitValue();
        } finally {
            Files.delete(file);
        }
    }
}
