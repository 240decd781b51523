package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The example: a character device that is open, and read, while its module becomes another version. */
@Tag("lab")
@Tag("every-kernel")
class GreeterSwapTest {
    private static final String LATEST = "head -n 1 /proc/greeter; sed -n '/^latest/{p;n;/^!/p}' /proc/greeter";

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws IOException {
        guest = SwapGuest.boot("");
    }

    @BeforeEach
    void loadTheFirstVersion() throws IOException {
        guest().sh("insmod " + version("v1"));
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path version(String name) {
        return SwapGuest.fixture("greeter", name);
    }

    @AfterEach
    void itsModuleGoesWithAllEditionsAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("killall -q cat; sleep 0.5; rmmod greeter");
        assertThat(guest().modules("greeter")).isEmpty();
        guest().assertQuiet();
    }

    @Test
    void whoHasTheDeviceOpenIsGreetedByTheNewVersionAndAfterwardsByTheOldOneAgain() throws Exception {
        guest().sh("cat /dev/greeter >/run/heard 2>&1 & echo $! >/run/reader; echo Ada >/dev/greeter");
        assertThat(heard("!")).isEqualTo("Hello, Ada\n!");
        assertThat(guest().sh(LATEST)).isEqualTo("greeter 1\nlatest Hello, Ada\n!");

        SwapReport report = guest().swap("greeter", version("v2"), SwapGuest.withBase(version("v1")));
        assertThat(report.changed()).contains("greet", "greeter_show");
        assertThat(guest().sh("ls -l /proc/$(cat /run/reader)/fd | grep -c /dev/greeter"))
                .isEqualTo("1");
        assertThat(guest().sh(LATEST)).isEqualTo("greeter 2\nlatest Hello, Ada! You are guest 1.");
        guest().sh("echo Grace >/dev/greeter");
        // The reader slept in the old version's read, which is the same in both and goes on to call the new greet.
        assertThat(heard("guest 2")).endsWith("Hello, Grace! You are guest 2.");

        RevertReport back = guest().revert("greeter");
        assertThat(back.current()).isEqualTo("base");
        guest().sh("echo Alan >/dev/greeter");
        assertThat(heard("Alan\n!")).endsWith("Hello, Alan\n!");
        assertThat(guest().sh("grep signatures /proc/greeter")).isEqualTo("signatures 3");
    }

    @Test
    void versionsChangeUnderLoadAndNoSignatureIsLost() throws Exception {
        try (LoadRun load = LoadRun.start(guest(), "--greeter /dev/greeter")) {
            for (int round = 0; round < Integer.getInteger("kmolt.rounds", 5); round++) {
                SwapReport report = guest().swap("greeter", version("v2"), SwapGuest.withBase(version("v1")));
                CallCount.assertAnswers(guest().target(), load, "greeter_show", report.edition(), "greeter");
                guest().revert("greeter");
                CallCount.assertAnswers(guest().target(), load, "greeter_show", "greeter");
            }
            load.finish();
        }
    }

    private static String heard(String end) throws IOException {
        return guest().sh("for i in $(seq 100); do tail -n 2 /run/heard | tr '\\n' '|' | grep -qF '"
                + end.replace('\n', '|') + "' && break; sleep 0.1; done; tail -n 2 /run/heard");
    }
}
