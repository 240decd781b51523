package io.kmolt.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What pahole made is kept: it is made once, of the same build, for the same kernel, by the same pahole. */
class DwarfTypesTest {
    @TempDir
    Path folder;

    private Path runs = Path.of("");
    private Path cache = Path.of("");

    @BeforeEach
    void places() {
        runs = folder.resolve("runs");
        cache = folder.resolve("cache");
    }

    @Test
    void areMadeOnce() throws Exception {
        ElfObject object = compile("struct one { int a; } one;");
        Btf made = types("1", object, Optional.empty());
        assertThat(made.ownIds("one")).hasSize(1);
        assertThat(types("1", object, Optional.empty()).ownIds("one")).isEqualTo(made.ownIds("one"));
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void areMadeAgainForWhateverIsNotTheSame() throws Exception {
        ElfObject object = compile("struct one { int a; } one;");
        types("1", object, Optional.empty());
        assertThat(types("1", compile("struct two { long a; } two;"), Optional.empty())
                        .ownIds("two"))
                .hasSize(1);
        types("2", object, Optional.empty());
        assertThat(runs()).isEqualTo(3);
        for (String kernel : List.of("first", "second")) {
            BtfWriter writer = new BtfWriter();
            writer.intType();
            Path raw = Files.write(folder.resolve(kernel), writer.bytes());
            assertThat(types("1", object, Optional.of(new VmlinuxBtf(writer.read(kernel), raw)))
                            .ownIds("int"))
                    .isEmpty();
        }
        assertThat(runs()).isEqualTo(5);
    }

    @Test
    void areMadeAgainIfWhatWasKeptIsDamaged() throws Exception {
        ElfObject object = compile("struct one { int a; } one;");
        types("1", object, Optional.empty());
        Path entry = entries().getFirst();
        byte[] good = Files.readAllBytes(entry);
        Files.write(entry, new byte[] {1, 2, 3});
        assertThat(types("1", object, Optional.empty()).ownIds("one")).hasSize(1);
        assertThat(Files.readAllBytes(entry)).isEqualTo(good);
    }

    @Test
    void areForgottenWhenTheyWereNotUsedForLong() throws Exception {
        ElfObject object = compile("struct one { int a; } one;");
        types("1", object, Optional.empty());
        Path used = entries().getFirst();
        for (int n = 0; n < DwarfTypes.KEPT + 10; n++) {
            Path old = Files.write(cache.resolve("old" + n), new byte[] {1});
            Files.setLastModifiedTime(old, FileTime.fromMillis(n));
        }
        Files.setLastModifiedTime(used, FileTime.fromMillis(5)); // but it is used again
        types("1", object, Optional.empty());
        types("1", compile("struct two { long a; } two;"), Optional.empty());
        assertThat(entries())
                .hasSize(DwarfTypes.KEPT)
                .contains(used)
                .doesNotContain(cache.resolve("old11"))
                .contains(cache.resolve("old12"));
    }

    @Test
    void saysThatPaholeIsMissing() throws Exception {
        ElfObject object = compile("int one;");
        DwarfTypes types = new DwarfTypes(new Pahole.Run("pahole-that-nobody-has"), new BtfCache(cache));
        assertThatThrownBy(() -> types.types(object, Optional.empty()))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining("apt install dwarves");
    }

    /** By a pahole that counts how often it is used, and says that it is of some version. */
    private Btf types(String version, ElfObject object, Optional<VmlinuxBtf> kernel) throws Exception {
        Path program = Files.writeString(folder.resolve("pahole"), """
                        #!/bin/sh
                        [ "$1" = --version ] && echo v%s && exit
                        echo run >>%s
                        exec pahole "$@"
                        """.formatted(version, runs));
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return new DwarfTypes(new Pahole.Run(program.toString()), new BtfCache(cache)).types(object, kernel);
    }

    private long runs() throws IOException {
        return Files.readAllLines(runs).size();
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> files = Files.list(cache)) {
            return files.toList();
        }
    }

    private ElfObject compile(String source) throws Exception {
        Path c = Files.writeString(folder.resolve("module.c"), source);
        Path object = folder.resolve("module.o");
        Process gcc = new ProcessBuilder("gcc", "-c", "-g", "-o", object.toString(), c.toString())
                .inheritIO()
                .start();
        assertThat(gcc.waitFor()).as("gcc, of `make setup`").isZero();
        return ElfObject.read(object);
    }
}
