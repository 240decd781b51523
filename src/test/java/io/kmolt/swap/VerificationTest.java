package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What counts as a complaint of the kernel. */
class VerificationTest {
    private static final String WARNING = "WARNING: CPU: 1 PID: 381 at greeter_show+0x12/0x30 [greeter]";

    @Test
    void aComplaintIsToldWithWhatFollowsIt() {
        assertThat(Verification.complaint(
                        List.of("[  1.000000] up", "[  2.000000] " + WARNING, "[  2.000001] Call Trace:")))
                .containsExactly("[  2.000000] " + WARNING, "[  2.000001] Call Trace:");
    }

    /** As {@code dmesg} of busybox prints it where {@code printk.time} is 0. */
    @Test
    void itMayComeWithoutATime() {
        assertThat(Verification.complaint(List.of("up", WARNING))).containsExactly(WARNING);
    }

    @Test
    void whoOnlySpeaksOfOneDoesNotComplain() {
        assertThat(Verification.complaint(List.of("[  1.000000] greeter: " + WARNING, "greeter: " + WARNING)))
                .isEmpty();
    }
}
