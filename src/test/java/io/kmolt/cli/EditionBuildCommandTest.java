package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class EditionBuildCommandTest {
    private static final Path PIPES = Path.of(System.getProperty("kmolt.home"), "examples", "editions", "pipes.c");

    @TempDir
    private Path folder;

    private CliRun build(Object... words) {
        Path out = folder.resolve("out.ko");
        Object[] line = new Object[words.length + 6];
        Object[] first = {"edition", "build", "--kernel", Corpus.BOOKWORM, "-o", out};
        System.arraycopy(first, 0, line, 0, first.length);
        System.arraycopy(words, 0, line, first.length, words.length);
        return run(line);
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    @Test
    void itListsWhatTheExampleDeclares() {
        build(PIPES)
                .exits(ExitCode.OK)
                .saysOnly(
                        folder.resolve("out.ko") + ": update pipes for 6.1.0-56-amd64, 2 editions",
                        "  pipe_read = 1: counted_read",
                        "  pipe_write = 1: counted_write");
        assertThat(folder.resolve("out.ko")).isNotEmptyFile();
    }

    @Test
    void itTellsProgramsTheSame() throws IOException {
        Path source = file("mine.c", """
                #include <kmolt.h>
                MODULE_LICENSE("GPL");
                static int unused;
                KMOLT_EDITION(minix_lookup, 3, minix, 1) int f(int x) { return x; }
                """);
        JsonNode report = build("--json", source).exits(ExitCode.OK).json();
        assertThat(report.propertyNames()).containsExactly("file", "name", "kernel", "editions", "messages");
        assertThat(report.at("/name").asString()).isEqualTo("mine");
        JsonNode edition = report.at("/editions/0");
        assertThat(edition.at("/function").asString()).isEqualTo("minix_lookup");
        assertThat(edition.at("/number").asInt()).isEqualTo(3);
        assertThat(edition.at("/name").asString()).isEqualTo("f");
        assertThat(edition.at("/object").asString()).isEqualTo("minix");
        assertThat(edition.at("/occurrence").asInt()).isEqualTo(1);
        build(source).says("  minix:minix_lookup,1 = 3: f\n").complains(source + ":3:12: warning: ");
    }

    @Test
    void whatDoesNotCompileIsUnfit() throws IOException {
        Path source = file("wrong.c", "#include <kmolt.h>\nKMOLT_EDITION(pipe_read) int f(int x) { return y; }\n");
        build(source)
                .exits(ExitCode.UNFIT)
                .complains("kmolt: " + source + " does not compile:", source + ":2:48: error: ");
    }

    @Test
    void whatMakesNoSenseIsRefused() throws IOException {
        Path source = file("none.c", "#include <kmolt.h>\nMODULE_LICENSE(\"GPL\");\nint f(int x) { return x; }\n");
        build(source)
                .exits(ExitCode.REFUSED)
                .complains("kmolt: none is refused, for this reason:\n  none: it declares no edition");
        assertThat(folder.resolve("out.ko")).doesNotExist();
        JsonNode failure = build("--json", source).exits(ExitCode.REFUSED).json();
        assertThat(failure.at("/kind").asString()).isEqualTo("refused");
        assertThat(failure.at("/reasons/0/kind").asString()).isEqualTo("declaration");
    }

    @Test
    void aKernelWithoutHeadersIsUnfit() {
        run("edition", "build", "--kernel", "0.0.1", PIPES)
                .exits(ExitCode.UNFIT)
                .complains(
                        "the headers package of kernel 0.0.1 is not in the cache", "kmolt lab kernel fetch --headers");
    }

    @Test
    void itTeachesItself() {
        run("edition").exits(ExitCode.USAGE).complains("Usage: kmolt edition", "build");
        run("edition", "build", "--help")
                .exits(ExitCode.OK)
                .says("Usage: kmolt edition build", "KMOLT_EDITION(", "--kernel", "Exit status: 0", "--json");
    }
}
