package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class InfoCommandTest {
    private static final Path JBD2 = Corpus.module(Corpus.BOOKWORM, "jbd2");

    @Test
    void sumsAFileUp() {
        run("info", JBD2)
                .exits(0)
                .says(JBD2 + ": module jbd2, ", ", signed\n", "  build     build-id ")
                .says("  vermagic  6.1.0-56-amd64 SMP preempt mod_unload modversions\n")
                .says(" of them traceable\n", " tables\n", " exports, ", " imports\n", "sections  text ");
    }

    @Test
    void countsWhatTheFileHas() throws IOException {
        JsonNode info = run("info", "--json", JBD2).exits(0).json();
        assertThat(info.at("/size").asLong()).isEqualTo(Files.size(JBD2));
        assertThat(info.at("/buildId").asString()).matches("[0-9a-f]{40}");
        assertThat(info.at("/exports").asInt()).isBetween(50, 200);
        assertThat(info.at("/traceable").asInt())
                .isPositive()
                .isLessThanOrEqualTo(info.at("/functions").asInt());
        assertThat(info.at("/sections/text").asLong()).isPositive();
    }

    @Test
    void aNameWithoutAFolderIsAFileIfItEndsInKo() {
        run("info", "nosuch.ko").exits(ExitCode.UNFIT).complains("nosuch.ko: there is no such file");
        run("info", "nosuch.ko.xz").exits(ExitCode.UNFIT).complains("nosuch.ko.xz: there is no such file");
    }

    @Test
    void aModuleThatIsNotLoadedIsSaidToBeSo() {
        run("info", "nosuch").exits(ExitCode.UNFIT).complains("module nosuch is not loaded on this machine");
        run("info", "no such").exits(ExitCode.UNFIT).complains("\"no such\" is not a module's name");
    }
}
