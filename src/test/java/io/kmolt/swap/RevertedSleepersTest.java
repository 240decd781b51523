package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who went to sleep in an edition before it was reverted, where that was harmless: what it is to later changes, while it
 * goes on sleeping there.
 */
@Tag("lab")
class RevertedSleepersTest {
    private static final Limits SHORT = Limits.within(Duration.ofSeconds(1));

    @TempDir
    private static @Nullable Path folder;

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("");
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @AfterEach
    void theModuleGoesAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("for m in waiter greeter; do [ ! -e /sys/module/$m ] || rmmod $m; done");
        assertThat(guest().sh("grep -c ^kmolt_ /proc/modules || true")).isEqualTo("0");
        guest().assertQuiet();
    }

    private static Path waiter(String variant) {
        return SwapGuest.fixture("waiter", variant);
    }

    /** Another build of the same code. */
    private static Path rebuilt(String variant, int number) throws Exception {
        return new DistinctBuilds(waiter(variant), Objects.requireNonNull(folder)).build(number);
    }

    private static SwapOptions onWaiter() {
        return SwapGuest.withBase(waiter("a"));
    }

    private static void assertInTheWay(SwapException no, Sleeper sleeper, String function, String edition) {
        assertThat(no).isNotNull();
        assertThat(no.kind()).as(no.getMessage()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(sleeper.pid());
        assertThat(no.blockers().getFirst().where()).matches(function + "\\+\\S+ \\[" + edition + ": .*]");
        assertThat(no.blockers().getFirst().stack()).anyMatch(frame -> frame.startsWith("vfs_read+"));
    }

    private static void assertSwapIsInTheWayOf(Sleeper sleeper, Path build, SwapOptions options, String edition)
            throws Exception {
        String module = build.getFileName().toString().replaceFirst("\\.ko$", "");
        String current = guest().current(module);
        SwapException no = guest().refusal(module, build, options.withLimits(SHORT));
        assertInTheWay(no, sleeper, module + "_read", edition);
        assertThat(guest().current(module)).isEqualTo(current);
    }

    private static void assertIn(Sleeper sleeper, String edition) throws IOException {
        assertThat(guest().sh("cat /proc/" + sleeper.pid() + "/stack")).contains("[" + edition + "]");
    }

    private static String told() throws IOException {
        return guest().sh("dd if=/dev/waiter of=/run/told bs=16 count=1 2>/dev/null & reader=$!;"
                + " for i in $(seq 100); do grep -q waiter_read /proc/$reader/stack && break; sleep 0.1; done;"
                + " echo >/dev/waiter; wait $reader; cat /run/told");
    }

    @Test
    void itIsInTheWayOfABuildThatChangesTheFunctionThatItIsIn() throws Exception {
        guest().sh("insmod " + SwapGuest.fixture("greeter", "v1"));
        SwapOptions options = SwapGuest.withBase(SwapGuest.fixture("greeter", "v1"));
        String edition = guest().swap("greeter", SwapGuest.fixture("greeter", "v2"), options)
                .edition();
        Path third = SwapGuest.fixture("greeter", "v3");
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/greeter")) {
            assertIn(sleeper, edition);
            guest().revert("greeter");
            assertSwapIsInTheWayOf(sleeper, third, options, edition);
        }
        guest().swap("greeter", third, options);
        assertThat(guest().sh("head -n 1 /proc/greeter")).isEqualTo("greeter 3");
    }

    /** Its calls arrive at the base, from where the function of the other prototype cannot be reached. */
    @Test
    void itIsInTheWayOfABuildThatItsCallsWouldNotGetTo() throws Exception {
        guest().sh("insmod " + waiter("a"));
        String edition = guest().swap("waiter", rebuilt("a", 1), onWaiter()).edition();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertIn(sleeper, edition);
            guest().revert("waiter");
            assertSwapIsInTheWayOf(sleeper, waiter("b"), onWaiter(), edition);
        }
        assertThat(told()).isEqualTo("10");
        guest().swap("waiter", waiter("b"), onWaiter());
        assertThat(told()).isEqualTo("27");
    }

    @Test
    void itIsInTheWayOfARevertThatItsCallsWouldNotFollow() throws Exception {
        guest().sh("insmod " + waiter("a"));
        String below = guest().swap("waiter", waiter("b"), onWaiter()).edition();
        String edition = guest().swap("waiter", rebuilt("b", 2), onWaiter()).edition();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertIn(sleeper, edition);
            assertThat(guest().revert("waiter").current()).isEqualTo(below);
            SwapException no = catchThrowableOfType(
                    SwapException.class, () -> Revert.run(guest().target(), "waiter", SHORT, Progress.NONE));
            assertInTheWay(no, sleeper, "waiter_read", edition);
            assertThat(guest().current("waiter")).isEqualTo(below);
        }
        assertThat(guest().revert("waiter").current()).isEqualTo("base");
        assertThat(told()).isEqualTo("10");
    }

    /** An edition that answers again was linked before the other one was there: it cannot tell. */
    @Test
    void itIsInTheWayOfAnEarlierEditionThatWasLinkedBeforeItsOwn() throws Exception {
        guest().sh("insmod " + waiter("a"));
        String first = guest().swap("waiter", waiter("b"), onWaiter()).edition();
        guest().revert("waiter");
        String edition = guest().swap("waiter", rebuilt("a", 3), onWaiter()).edition();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertIn(sleeper, edition);
            guest().revert("waiter");
            assertSwapIsInTheWayOf(sleeper, waiter("b"), onWaiter(), edition);
        }
        assertThat(guest().swap("waiter", waiter("b"), onWaiter()).edition()).isEqualTo(first);
    }

    @Test
    void itIsInNobodysWayWhereItsCallsArriveAtWhatAnswers() throws Exception {
        guest().sh("insmod " + waiter("a"));
        String edition = guest().swap("waiter", rebuilt("a", 4), onWaiter()).edition();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertIn(sleeper, edition);
            guest().revert("waiter");
            // Of equal prototype: the function that it will call is redirected.
            guest().swap("waiter", waiter("c"), onWaiter());
            assertIn(sleeper, edition);
            guest().sh("echo >/dev/waiter");
        }
        // The call that it made when it woke up was counted, and so is this one.
        assertThat(told()).isEqualTo("2020");
        assertThat(guest().revert("waiter").current()).isEqualTo("base");
        assertThat(told()).isEqualTo("30");
    }
}
