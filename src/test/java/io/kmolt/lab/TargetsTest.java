package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.target.LocalTarget;
import io.kmolt.target.ShellTarget;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetsTest {
    @Test
    void localIsThisMachine() throws IOException {
        try (Target target = Targets.parse("local")) {
            assertThat(target).isInstanceOf(LocalTarget.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "remote", "ssh:", "ssh:-oProxyCommand=x", "serial:/dev/ttyS0"})
    void whatNamesNoTargetIsRefused(String name) {
        assertThatThrownBy(() -> Targets.parse(name)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theShellBehindSshIsRoots() throws IOException {
        // What sshd does: the login shell interprets the last word.
        List<String> remote = List.of("sh", "-c", Targets.ssh("web1").getLast());
        try (Target target = ShellTarget.overProcess("ssh:web1", remote)) {
            assertThat(target.run("id -u", Duration.ofSeconds(10)).stdout()).isEqualTo("0\n");
        }
    }

    @Test
    void aGuestThatDoesNotRunIsRefusedWithTheCommandThatStartsIt() {
        assertThatThrownBy(() -> Targets.parse("lab:no-such-guest"))
                .isInstanceOf(LabException.class)
                .hasMessageContaining("kmolt lab start no-such-guest");
        assertThatThrownBy(() -> Targets.parse("lab:../x")).isInstanceOf(LabException.class);
    }
}
