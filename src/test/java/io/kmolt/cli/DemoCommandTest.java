package io.kmolt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.demo.DemoResult;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How {@code kmolt demo} ends. */
class DemoCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int conclude(DemoResult result) {
        return DemoCommand.conclude(result, 99, new PrintWriter(out), new PrintWriter(err));
    }

    @Test
    void endsWellOnlyIfEverythingHeld() {
        assertThat(conclude(new DemoResult(List.of(), false, ""))).isEqualTo(ExitCode.OK);
        assertThat(out.toString()).contains("Everything held, in 99 s");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void saysWhatDidNotHold() {
        int status = conclude(new DemoResult(List.of("the load: 1 mismatch", "e2fsck:\nbad"), false, "[ 1.0] log"));
        assertThat(status).isEqualTo(ExitCode.FAILED);
        assertThat(out.toString().lines().skip(1))
                .containsExactly("2 things did not hold:", "  the load: 1 mismatch", "  e2fsck:", "    bad");
        assertThat(err.toString()).contains("[ 1.0] log");
    }

    @Test
    void aKernelThatComplainsHasItsOwnStatus() {
        assertThat(conclude(new DemoResult(List.of("WARNING: …"), true, "[ 1.0] WARNING: …")))
                .isEqualTo(ExitCode.GUEST_CRASHED);
    }
}
