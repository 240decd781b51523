package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** All modules of a hotfix upload, of which the changelog says that nothing but two functions of ext4 is another. */
@Tag("packages")
class PackageHotfixTest {
    @Test
    void aHotfixChangedTwoFunctionsOfOneModule() {
        JsonNode report = run("diff", "--package", "--json", Corpus.BOOKWORM_BEFORE, Corpus.BOOKWORM)
                .exits(ExitCode.OK)
                .json();
        assertThat(report.at("/modules").asInt()).isGreaterThan(4000);
        assertThat(report.at("/changed")).hasSize(1);
        assertThat(report.at("/changed/0/module").asString()).isEqualTo("ext4");
        assertThat(report.at("/changed/0/functions/changed"))
                .extracting(JsonNode::asString)
                .containsExactly("ext4_mb_init_group", "ext4_mb_load_buddy_gfp");
        assertThat(report.at("/changed/0/functions/added")).isEmpty();
        assertThat(report.at("/changed/0/functions/gone")).isEmpty();
        assertThat(report.at("/changed/0/types")).isEmpty();
        assertThat(report.at("/changed/0/data/changed")).isEmpty();
        assertThat(report.at("/unchanged").asInt())
                .isEqualTo(report.at("/modules").asInt() - 1);
        assertThat(report.at("/otherSymbols").asInt()).isZero();
        assertThat(report.at("/unhandled")).isEmpty();
        assertThat(report.at("/added")).isEmpty();
        assertThat(report.at("/gone")).isEmpty();
    }
}
