package io.kmolt.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Compiles C text into objects that are no modules, by whichever compilers the machine has. */
public final class PlainObject {
    private PlainObject() {}

    /** The compilers that there are: gcc, and clang where it is installed. */
    public static List<String> compilers() {
        return Stream.concat(Stream.of("gcc"), clang().stream()).toList();
    }

    /** clang, as Debian calls the newest one that is installed. */
    public static Optional<String> clang() {
        List<String> names = new ArrayList<>(List.of("clang"));
        for (int version = 21; version >= 13; version--) {
            names.add("clang-" + version);
        }
        return names.stream()
                .filter(name -> Files.isExecutable(Path.of("/usr/bin", name)))
                .findFirst();
    }

    /**
     * Compiles a file of C.
     *
     * @param object where the object is to be
     * @param command the compiler and its options
     */
    public static Path compile(Path object, List<String> command, String source) {
        try {
            Path c =
                    Files.createDirectories(object.toAbsolutePath().getParent()).resolve(object.getFileName() + ".c");
            Files.writeString(c, source);
            List<String> words = new ArrayList<>(command);
            words.addAll(List.of("-c", "-w", "-o", object.toString(), c.toString()));
            Process process =
                    new ProcessBuilder(words).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as("%s%n%s", words, said).isZero();
            return object;
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
