package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class DiffCommandTest {
    private static final Path OLD_EXT4 = Corpus.module(Corpus.BOOKWORM_BEFORE, "ext4");
    private static final Path NEW_EXT4 = Corpus.module(Corpus.BOOKWORM, "ext4");
    private static final Path MINIX = Corpus.module(Corpus.BOOKWORM, "minix");

    @TempDir
    private Path folder;

    @Test
    void namesTheFunctionsThatAHotfixChanged() {
        run("diff", OLD_EXT4, NEW_EXT4)
                .exits(0)
                .says("ext4: build-id 64da616f", "→ build-id 721ba523")
                .says("changed   2 functions: ext4_mb_init_group, ext4_mb_load_buddy_gfp")
                .says("\nswappable\n");
        run("diff", "--names", OLD_EXT4, NEW_EXT4).exits(0).saysOnly("ext4_mb_init_group", "ext4_mb_load_buddy_gfp");
    }

    @Test
    void tellsProgramsTheSame() {
        CliRun diff = run("diff", "--json", OLD_EXT4, NEW_EXT4).exits(0);
        assertThat(diff.json().at("/module").asString()).isEqualTo("ext4");
        assertThat(diff.json().at("/swappable").asBoolean()).isTrue();
        assertThat(diff.json().at("/changed")).extracting(JsonNode::asString).contains("ext4_mb_load_buddy_gfp");
    }

    @Test
    void aBuildDoesNotDifferFromItself() {
        run("diff", MINIX, MINIX).exits(0).says("nothing differs", "\nswappable\n");
        run("diff", "--names", MINIX, MINIX).exits(0).saysOnly();
    }

    @Test
    void anotherModuleIsRefused() {
        run("diff", MINIX, NEW_EXT4)
                .exits(ExitCode.REFUSED)
                .says("refused   ext4: is another module than minix", "\nnot swappable: 1 reason\n");
    }

    @Test
    void aBuildForAnotherKernelInterfaceIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(MINIX);
        // struct modversion_info: 8 bytes of CRC stand before the name; its section's names are padded with zeros.
        int name = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("module_layout\0\0\0");
        bytes[name - 8] ^= 1;
        Path changed = Files.write(folder.resolve("minix.ko"), bytes);

        run("diff", MINIX, changed)
                .exits(ExitCode.REFUSED)
                .says("refused   module_layout: the new build was built for another version of this kernel symbol");
        CliRun json = run("diff", "--json", MINIX, changed).exits(ExitCode.REFUSED);
        assertThat(json.json().at("/refusals/0/kind").asString()).isEqualTo("symbol_version");
        assertThat(json.json().at("/refusals/0/subject").asString()).isEqualTo("module_layout");
    }
}
