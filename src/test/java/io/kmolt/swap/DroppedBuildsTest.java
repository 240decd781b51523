package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which builds that were superseded are dropped, which are not, and what answers afterwards. */
@Tag("lab")
class DroppedBuildsTest {
    private static final Path PLAIN = SwapGuest.fixture("waiter", "a");
    private static final Path COUNTING = SwapGuest.fixture("waiter", "c");

    @TempDir
    private static @Nullable Path folder;

    private static @Nullable SwapGuest guest;

    /** Of builds; none is used twice. */
    private static int number;

    /** Once the builds that may stay are used up, tables lead through pads, and editions need not stay. */
    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        Core.load(guest().target(), SwapGuest.RUNNING);
        guest().sh("insmod " + PLAIN);
        for (int i = 0; i <= PadPolicy.LIMIT; i++) {
            swap(PLAIN, 0);
            guest().revert("waiter");
        }
    }

    @AfterAll
    static void theModuleTakesAlongWhatStayed() throws IOException {
        try (SwapGuest last = guest()) {
            last.sh("rmmod waiter");
            assertThat(last.sh("grep -c ^kmolt_ /proc/modules || true")).isEqualTo("0");
            last.assertQuiet();
        }
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @AfterEach
    void allElseGoesAndTheKernelHasNoComplaint() throws Exception {
        while (!guest().current("waiter").equals("base")) {
            guest().revert("waiter");
        }
        assertThat(guest().sh("grep -c ^kmolt_ /proc/modules")).isEqualTo("" + (PadPolicy.LIMIT + 1));
        assertThat(guest().sh("cat /sys/module/waiter/refcnt")).isEqualTo("0");
        guest().assertQuiet();
    }

    private static Path build(Path original) throws Exception {
        return new DistinctBuilds(original, Objects.requireNonNull(folder)).build(++number);
    }

    private static SwapOptions keeping(int builds) {
        return SwapGuest.withBase(PLAIN).withKeep(builds);
    }

    private static SwapReport swap(Path original, int keep) throws Exception {
        return guest().swap("waiter", build(original), keeping(keep));
    }

    private static List<String> chain() throws IOException {
        return CoreState.ask(guest().target()).chain("waiter").stream()
                .map(LoadedEdition::name)
                .toList();
    }

    private static LoadedEdition edition(String name) throws IOException {
        return CoreState.ask(guest().target()).module("waiter").orElseThrow().editions().stream()
                .filter(e -> e.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** What a reader is told once somebody has written: 10 for each write, and 1000 for each call that was counted. */
    private static int told() throws IOException {
        return Integer.parseInt(guest().sh("dd if=/dev/waiter of=/run/told bs=16 count=1 2>/dev/null & reader=$!;"
                + " for i in $(seq 100); do grep -q waiter_read /proc/$reader/stack && break; sleep 0.1; done;"
                + " echo >/dev/waiter; wait $reader; cat /run/told"));
    }

    @Test
    void whatSomebodySleepsInStaysUntilHeHasLeft() throws Exception {
        String first = swap(PLAIN, 0).edition();
        String second;
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertThat(guest().sh("cat /proc/" + sleeper.pid() + "/stack")).contains("[" + first + "]");
            SwapReport report = swap(PLAIN, 0);
            second = report.edition();
            assertThat(report.dropped()).isEmpty();
            assertThat(report.notes()).contains(first + " is not dropped yet: tasks are still in its code");
            assertThat(chain()).containsExactly(first, second);
            assertThat(edition(first).state()).isEqualTo("superseded");
        }
        SwapReport report = swap(PLAIN, 0);
        assertThat(report.dropped()).containsExactlyInAnyOrder(first, second);
        assertThat(guest().isLoaded(first)).isFalse();
        assertThat(chain()).containsExactly(report.edition());
        assertThat(edition(report.edition()).passesOver()).isEqualTo(2);
        assertThat(guest().revert("waiter").current()).isEqualTo("base");
        assertThat(told() % 10).isZero();
    }

    @Test
    void aRevertPassesOverWhatWasDroppedAndWhoSleepsAboveItComesOutBelow() throws Exception {
        String first = swap(PLAIN, 9).edition();
        String dropped = swap(PLAIN, 9).edition();
        String last = swap(PLAIN, 9).edition();
        try (CoreSession session = CoreSession.open(guest().target())) {
            Reply reply = session.send("drop " + dropped);
            assertThat(reply.isOk()).as(reply.message()).isTrue();
            assertThat(session.send("drop " + last).error()).isEqualTo("usage");
            assertThat(session.send("stage " + dropped).isOk()).isFalse();
        } // which unloads it, as it would if kmolt had been killed
        assertThat(guest().isLoaded(dropped)).isFalse();
        assertThat(chain()).containsExactly(first, last);
        int before = told();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertThat(guest().sh("cat /proc/" + sleeper.pid() + "/stack")).contains("[" + last + "]");
            assertThat(guest().revert("waiter").current()).isEqualTo(first);
            // It goes on in what was reverted, which leads it to what answers.
            assertThat(told()).isEqualTo(before + 10);
        }
        assertThat(guest().revert("waiter").current()).isEqualTo("base");
        assertThat(told()).isEqualTo(before + 20);
    }

    /** On the debug kernel each of these builds is sticky, for what that kernel has the compiler add. */
    @Tag("stock")
    @Test
    void whatLaterBuildsShareAVariableWithStaysAsLongAsOneOfThemDoes() throws Exception {
        String bringing = swap(COUNTING, 0).edition();
        int counted = told() / 1000;
        assertThat(counted).isEqualTo(1);
        String sharing = swap(COUNTING, 0).edition();
        assertThat(edition(bringing).stays()).isEqualTo("used");
        assertThat(told() / 1000).isEqualTo(2);
        SwapReport third = swap(COUNTING, 0);
        assertThat(third.dropped()).containsExactly(sharing);
        assertThat(chain()).containsExactly(bringing, third.edition());
        assertThat(told() / 1000).isEqualTo(3);
        assertThat(guest().revert("waiter").current()).isEqualTo(bringing);
        assertThat(told() / 1000).isEqualTo(4);

        String fourth = swap(COUNTING, 0).edition();
        assertThat(told() / 1000).isEqualTo(5);
        // Once nobody shares it any more, it goes as well.
        SwapReport last = swap(PLAIN, 0);
        assertThat(last.dropped()).containsExactlyInAnyOrder(fourth, bringing);
        assertThat(chain()).containsExactly(last.edition());
        assertThat(told() / 1000).isZero();
        guest().revert("waiter");
    }

    @Test
    void whatARevertedBuildLeadsItsCallersToStaysUntilThatIsUnloaded() throws Exception {
        String below = swap(PLAIN, 0).edition();
        String reverted = swap(PLAIN, 9).edition();
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            assertThat(guest().sh("cat /proc/" + sleeper.pid() + "/stack")).contains("[" + reverted + "]");
            assertThat(guest().revert("waiter").kept()).isEqualTo("tasks are still in its code");
            SwapReport report = swap(PLAIN, 0);
            assertThat(report.dropped()).isEmpty();
            assertThat(edition(below).stays()).isEqualTo("held");
            assertThat(chain()).containsExactly(below, report.edition());
            assertThat(guest().revert("waiter").current()).isEqualTo(below);
            RevertReport back = guest().revert("waiter");
            assertThat(back.current()).isEqualTo("base");
            assertThat(back.kept()).isEqualTo("an edition that stays was linked on it");
        }
        // Whoever comes next tidies up.
        swap(PLAIN, 0);
        assertThat(guest().isLoaded(reverted)).isFalse();
        assertThat(guest().isLoaded(below)).isFalse();
        guest().revert("waiter");
    }

    @Test
    void whoIsAttachedToASupersededBuildIsNotCutOff() throws Exception {
        String first = swap(PLAIN, 0).edition();
        SwapOptions options = keeping(0).withAcknowledge(true);
        guest().sh("echo 'p:kmolt/seen " + first + ":waiter_read' >>/sys/kernel/tracing/kprobe_events");
        SwapReport second = guest().swap("waiter", build(PLAIN), options);
        assertThat(second.notes()).contains(first + " is not dropped yet: somebody is attached to its functions");
        guest().sh("echo '-:kmolt/seen' >>/sys/kernel/tracing/kprobe_events");
        assertThat(swap(PLAIN, 0).dropped()).containsExactlyInAnyOrder(first, second.edition());
        guest().revert("waiter");
    }

    private interface Change {
        void make(Target target) throws IOException, SwapException;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aToolThatIsKilledLeavesABuildInTheChainOrGone(boolean amid) throws Exception {
        int begin = -1;
        for (int step = 1000; ; step++) {
            String before = swap(PLAIN, 0).edition();
            Path build = build(PLAIN);
            Change change = target -> Swap.run(target, "waiter", build, keeping(0), Progress.NONE);
            MortalTarget mortal = new MortalTarget(guest().guest().openShell(), guest().target(), step, amid);
            try (mortal) {
                change.make(mortal);
            } catch (TargetException | SwapException e) {
                assertThat(mortal.died()).as(e.toString()).isTrue();
            }
            if (!mortal.died() && begin >= 0) {
                return;
            }
            if (begin < 0) {
                // The first time it is only looked where the dropping begins.
                begin = mortal.steps().indexOf("drop " + before);
                step = begin - 1;
                assertThat(begin).isPositive();
            } else {
                String last = mortal.steps().getLast();
                boolean dropped = !chain().contains(before);
                System.out.printf("%s %s: %s%n", amid ? "amid" : "before", last, dropped ? "dropped" : "in the chain");
                assertInTheChainOrGone(before, "killed " + (amid ? "amid " : "before ") + last);
            }
            while (!guest().current("waiter").equals("base")) {
                guest().revert("waiter");
            }
        }
    }

    private static void assertInTheChainOrGone(String before, String as) throws IOException {
        guest().sh("for i in $(seq 200); do grep -q '^none$' /sys/kernel/kmolt/owner && exit; sleep 0.1; done; exit 1");
        assertThat(chain()).as(as).hasSizeBetween(1, 2);
        assertThat(guest().isLoaded(before)).as(as).isEqualTo(chain().contains(before));
        for (LoadedEdition edition :
                CoreState.ask(guest().target()).module("waiter").orElseThrow().editions()) {
            assertThat(edition.stays()).as(as + ": " + edition).isNotEqualTo(LoadedEdition.DROPPED);
        }
        assertThat(guest().sh("cat /sys/module/waiter/refcnt")).as(as).isEqualTo("0");
        assertThat(told() % 10).isZero();
        guest().assertQuiet();
    }
}
