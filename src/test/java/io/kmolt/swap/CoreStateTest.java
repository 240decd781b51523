package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is made of the files in sysfs. */
class CoreStateTest {
    private static final String FILES = """
            version:0.1.0
            note:0400000014000000030000004e550047abcd
            ./abi:1
            ./owner:7 a:b
            ./boot_id:b007
            ./modules/minix/current:kmolt_minix_2
            ./modules/minix/build_id:22
            ./modules/minix/version:2:1.0
            ./modules/minix/commits:4
            ./modules/minix/kmolt_minix_2/state:current
            ./modules/minix/kmolt_minix_2/previous:kmolt_minix_10
            ./modules/minix/kmolt_minix_2/pause_ns:1500
            ./modules/minix/kmolt_minix_2/sticky:1
            ./modules/minix/kmolt_minix_1/state:retired
            ./modules/minix/kmolt_minix_1/previous:base
            ./modules/minix/kmolt_minix_10/state:superseded
            ./modules/minix/kmolt_minix_10/previous:base
            ./modules/ext4/current:base
            """;

    @Test
    void noFilesMeanNoCore() {
        CoreState core = CoreState.parse("");
        assertThat(core.loaded()).isFalse();
        assertThat(core.modules()).isEmpty();
        assertThat(core.chain("minix")).isEmpty();
    }

    @Test
    void readsTheCoreAndItsModules() {
        CoreState core = CoreState.parse(FILES);
        assertThat(core.loaded()).isTrue();
        assertThat(core.abi()).isEqualTo(1);
        assertThat(core.buildId()).isEqualTo("abcd");
        assertThat(core.owner()).isEqualTo("7 a:b");
        assertThat(core.modules()).extracting(SwappedModule::name).containsExactly("ext4", "minix");
        SwappedModule minix = core.module("minix").orElseThrow();
        assertThat(minix.version()).isEqualTo("2:1.0");
        assertThat(minix.commits()).isEqualTo(4);
        assertThat(minix.editions().get(1).pauseNanos()).isEqualTo(1500);
        assertThat(minix.editions().get(1).sticky()).isTrue();
    }

    @Test
    void theChainLeadsFromTheBaseToWhoAnswersAndTheOthersFollow() {
        CoreState core = CoreState.parse(FILES);
        assertThat(core.chain("minix"))
                .extracting(LoadedEdition::name)
                .containsExactly("kmolt_minix_10", "kmolt_minix_2");
        assertThat(core.module("minix").orElseThrow().editions())
                .extracting(LoadedEdition::name)
                .containsExactly("kmolt_minix_10", "kmolt_minix_2", "kmolt_minix_1");
        assertThat(core.chain("ext4")).isEmpty();
    }

    @Test
    void aChainThatBitesItsTailEnds() {
        CoreState core = CoreState.parse("""
                ./modules/m/current:a
                ./modules/m/a/previous:b
                ./modules/m/b/previous:a
                """);
        assertThat(core.chain("m")).extracting(LoadedEdition::name).containsExactly("b", "a");
    }
}
