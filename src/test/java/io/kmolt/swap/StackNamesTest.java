package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StackNamesTest {
    @Test
    void aFrameInAnEditionSaysWhichBuildOfWhichModuleThatIs() {
        CoreState state = CoreState.parse("""
                ./abi:3
                ./modules/ext4/current:kmolt_ext4_7
                ./modules/ext4/kmolt_ext4_7/state:current
                ./modules/ext4/kmolt_ext4_7/build_id:0123456789abcdef0123456789abcdef01234567
                """);
        Blocker blocker = new Blocker(
                7,
                "cat",
                "ext4_read+0x12/0x34 [kmolt_ext4_7]",
                List.of("ext4_read+0x12/0x34 [kmolt_ext4_7]", "jbd2_wait+0x1/0x2 [jbd2]", "vfs_read+0x1/0x2"));

        Blocker named = new StackNames(state).in(List.of(blocker)).getFirst();

        assertThat(named.where()).isEqualTo("ext4_read+0x12/0x34 [kmolt_ext4_7: ext4, build-id 0123456789ab]");
        assertThat(named.stack()).containsExactly(named.where(), "jbd2_wait+0x1/0x2 [jbd2]", "vfs_read+0x1/0x2");
    }
}
