package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Refusal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A build whose init sets up more than that of the build that is loaded: its hooks do that for the running module, and
 * take it back whenever this build does not answer after all.
 */
@Tag("lab")
class HooksTest {
    private static final String ARCHIVE = "/proc/greeter-archive";

    /** What the archive refuses to begin with. */
    private static final String RESTLESS = "echo 5 >/sys/module/greeter/parameters/chime_ms";

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @BeforeEach
    void loadTheFirstVersion() throws IOException {
        guest().sh("insmod " + version("v1") + "; echo Ada >/dev/greeter");
    }

    @AfterEach
    void nothingIsLeftAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("rmmod greeter");
        assertThat(guest().modules("greeter")).isEmpty();
        assertThat(archived()).isEqualTo("none");
        guest().assertQuiet();
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

    /** The names in the archive, or that there is none. */
    private static String archived() throws IOException {
        return guest().sh("if [ -e " + ARCHIVE + " ]; then echo $(cat " + ARCHIVE + "); else echo none; fi");
    }

    private static String answers() throws IOException {
        return guest().sh("head -n 1 /proc/greeter");
    }

    private static SwapReport swap() throws Exception {
        return guest().swap("greeter", version("hooked"), SwapGuest.withBase(version("v1")));
    }

    @Test
    void whatItsInitWouldSetUpIsThereWhenItAnswersAndGoneAfterARevertAsOftenAsOneLikes() throws Exception {
        swap();
        assertThat(answers()).isEqualTo("greeter 5");
        assertThat(archived()).isEqualTo("Ada");
        guest().sh("echo Grace >/dev/greeter");
        assertThat(archived()).isEqualTo("Ada Grace");

        guest().revert("greeter");
        assertThat(archived()).isEqualTo("none");
        assertThat(answers()).isEqualTo("greeter 1");
        guest().sh("echo Alan >/dev/greeter");

        swap();
        assertThat(archived()).isEqualTo("Ada Grace Alan");
        guest().revert("greeter");
    }

    @Test
    void aHookThatFailsRefusesTheSwapAndIsNamedWithItsError() throws Exception {
        guest().sh(RESTLESS);
        SwapException no = guest().refusal("greeter", version("hooked"), SwapGuest.withBase(version("v1")));
        assertThat(no)
                .hasMessageContaining("the update cannot be staged")
                .hasMessageContaining("prepare hook archive_open [kmolt_greeter_")
                .hasMessageEndingWith("error -34");
        assertThat(archived()).isEqualTo("none");
        assertThat(answers()).isEqualTo("greeter 1");

        guest().sh("echo 1000 >/sys/module/greeter/parameters/chime_ms");
        swap();
        assertThat(archived()).isEqualTo("Ada");
    }

    @Test
    void whatWasPreparedIsTakenBackIfTheCommitIsGivenUp() throws Exception {
        try (Sleeper sleeper = Sleeper.start(guest(), "write /dev/greeter")) {
            SwapException no = guest().refusal(
                            "greeter",
                            version("hooked"),
                            SwapGuest.withBase(version("v1")).withLimits(Limits.within(Duration.ofSeconds(1))));
            assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
            assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(sleeper.pid());
            assertThat(archived()).isEqualTo("none");
            assertThat(answers()).isEqualTo("greeter 1");
        }
        swap();
        assertThat(archived()).startsWith("Ada");
        assertThat(guest().sh("grep signatures /proc/greeter")).isEqualTo("signatures 2");
    }

    @Test
    void whatWasPreparedIsTakenBackIfWhoHasStagedItIsKilled() throws Exception {
        Update update = Update.link(guest(), "greeter", version("hooked"), folder, SwapGuest.withBase(version("v1")));
        guest().target().writeFile("/tmp/update.ko", update.image());
        guest().sh("sh -c 'exec 3<>/dev/kmolt; insmod /tmp/update.ko; echo stage " + update.name() + " >&3;"
                + " while read -r l <&3; do echo $l; case $l in ok|error*) break;; esac; done; exec sleep 1000'"
                + " >/run/owner 2>&1 & echo $! >/run/owner.pid;"
                + " for i in $(seq 100); do grep -q ^ok /run/owner && exit; sleep 0.1; done; cat /run/owner; exit 1");
        assertThat(archived()).isEqualTo("Ada");
        assertThat(answers()).isEqualTo("greeter 1");

        guest().sh("kill -9 $(cat /run/owner.pid);" + " for i in $(seq 100); do [ ! -e /sys/module/" + update.name()
                + " ] && exit; sleep 0.1; done; exit 1");
        assertThat(archived()).isEqualTo("none");
        assertThat(answers()).isEqualTo("greeter 1");
        assertThat(guest().current("greeter")).isEqualTo("base");
    }

    @Test
    void ifTheModuleIsUnloadedMeanwhileItsExitTakesItBack() throws Exception {
        swap();
        guest().sh("rmmod greeter");
        assertThat(archived()).isEqualTo("none");
        assertThat(guest().modules("greeter")).isEmpty();
        guest().sh("insmod " + version("v1"));
    }

    @Test
    void loadedByInsmodItCallsItsInitAndNoHook() throws Exception {
        guest().sh("rmmod greeter; insmod " + version("hooked") + "; echo Grace >/dev/greeter");
        assertThat(archived()).isEqualTo("Grace");
        // Init and exit are the same: what is there must not be prepared once more.
        guest().swap("greeter", version("hooked"), SwapGuest.withBase(version("hooked")));
        guest().sh("echo Alan >/dev/greeter");
        assertThat(archived()).isEqualTo("Grace Alan");
        guest().revert("greeter");
        assertThat(archived()).isEqualTo("Grace Alan");
    }

    @Test
    void aBuildWithoutHooksDoesNotTakeOverFromOneWhoseExitIsAnother() throws Exception {
        SwapException no = guest().refusal("greeter", version("bad-init"), SwapGuest.withBase(version("v1")));
        assertThat(no.refusals()).anySatisfy(HooksTest::isOfExit);

        swap();
        SwapException back = guest().refusal("greeter", version("v2"), SwapGuest.withBase(version("v1")));
        assertThat(back.refusals()).anySatisfy(HooksTest::isOfExit);
        assertThat(archived()).isEqualTo("Ada");
    }

    private static void isOfExit(Refusal refusal) {
        assertThat(refusal.kind()).isEqualTo(Refusal.Kind.EXIT);
        assertThat(refusal.subject()).isEqualTo("greeter_exit");
        assertThat(refusal.reason()).contains("it would find what another build has set up");
    }
}
