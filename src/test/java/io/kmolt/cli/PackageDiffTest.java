package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code kmolt diff --package} over small packages, made of modules of real ones. */
class PackageDiffTest {
    private static final String OLD = Corpus.BOOKWORM_BEFORE;
    private static final String NEW = Corpus.BOOKWORM;

    @TempDir
    private Path folder;

    private Path old;
    private Path now;

    @BeforeEach
    void twoPackages() throws IOException {
        old = add("old", OLD, "ext4", OLD);
        add("old", OLD, "minix", OLD);
        now = add("new", NEW, "ext4", NEW);
        add("new", NEW, "minix", NEW);
    }

    /** Puts a module of a kernel into a package that calls itself so. */
    private Path add(String name, String release, String module, String from) throws IOException {
        Path root = folder.resolve(name);
        Path goal = root.resolve("lib/modules/" + release + "/kernel/fs/" + module + ".ko");
        Files.createDirectories(goal.getParent());
        Files.copy(Corpus.module(from, module), goal);
        return root;
    }

    @Test
    void showsOnlyWhatChangedAndCountsTheRest() {
        run("diff", "--package", old, now)
                .exits(ExitCode.OK)
                .says("ext4", "2 in both: 1 changed, 1 unchanged", "swappable          1", "unhandled          0")
                .doesNotSay("minix");
    }

    @Test
    void tellsProgramsTheSame() {
        JsonNode report =
                run("diff", "--package", "--json", old, now).exits(ExitCode.OK).json();
        assertThat(report.at("/modules").asInt()).isEqualTo(2);
        assertThat(report.at("/unchanged").asInt()).isEqualTo(1);
        assertThat(report.at("/changed/0/module").asString()).isEqualTo("ext4");
        assertThat(report.at("/changed/0/verdict").asString()).isEqualTo("swappable");
        assertThat(report.at("/changed/0/functions/changed"))
                .extracting(JsonNode::asString)
                .containsExactly("ext4_mb_init_group", "ext4_mb_load_buddy_gfp");
    }

    @Test
    void tellsTheSumsAsMarkdown() {
        run("diff", "--package", "--markdown", old, now)
                .exits(ExitCode.OK)
                .says("## " + old + " → " + now, "| in both packages | 2 |", "| changed, swappable | 1 |")
                .doesNotSay("ext4");
    }

    @Test
    void namesModulesThatOnlyOneHas() throws IOException {
        add("old", OLD, "jbd2", OLD);
        add("new", NEW, "fat", NEW);
        run("diff", "--package", old, now).exits(0).says("new       1: fat", "gone      1: jbd2");
    }

    @Test
    void aPairThatCannotBeComparedIsListedAndTheOthersAreCompared() throws IOException {
        Path damaged = now.resolve("lib/modules/" + NEW + "/kernel/fs/minix.ko");
        Files.write(damaged, Arrays.copyOf(Files.readAllBytes(damaged), 1000));
        run("diff", "--package", old, now)
                .exits(ExitCode.FAILED)
                .says("unhandled minix: " + damaged, "1 changed, 0 unchanged", "unhandled          1");
        JsonNode report = run("diff", "--package", "--json", old, now)
                .exits(ExitCode.FAILED)
                .json();
        assertThat(report.at("/unhandled/0/module").asString()).isEqualTo("minix");
    }

    @Test
    void saysByItsExitCodeThatSomethingCannotBeSwapped() throws IOException {
        // Of a kernel whose symbols have other CRCs, which the other package says nothing about.
        Path other = add("other", Corpus.NEWER, "minix", OLD);
        Files.delete(other.resolve("lib/modules/" + Corpus.NEWER + "/kernel/fs/minix.ko"));
        Path compressed = other.resolve("lib/modules/" + Corpus.NEWER + "/kernel/fs/minix.ko.xz");
        Files.copy(Corpus.module(Corpus.NEWER, "minix"), compressed);
        run("diff", "--package", old, other)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("minix", "not swappable      1: ", "symbol_version 1", "gone      1: ext4");
    }

    @Test
    void readsADeb() throws Exception {
        Path control = Files.createDirectories(now.resolve("DEBIAN"));
        Files.writeString(
                control.resolve("control"),
                "Package: small\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\nDescription: for a test\n");
        Path deb = folder.resolve("small.deb");
        Process build = new ProcessBuilder("dpkg-deb", "-b", now.toString(), deb.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(build.waitFor()).isZero();
        run("diff", "--package", old, deb).exits(0).says("2 in both: 1 changed");
    }

    @Test
    void whatIsNoPackageIsUnfit() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        run("diff", "--package", old, empty).exits(ExitCode.UNFIT).complains("there is no lib/modules/RELEASE in it");
        run("diff", "--package", old, folder.resolve("none"))
                .exits(ExitCode.UNFIT)
                .complains("there is no such file or folder");
        Path text = Files.writeString(folder.resolve("text.deb"), "no package");
        run("diff", "--package", old, text).exits(ExitCode.UNFIT).complains("cannot be unpacked");
        Files.createDirectories(now.resolve("lib/modules/5.0"));
        run("diff", "--package", old, now).exits(ExitCode.UNFIT).complains("modules of several kernels");
    }
}
