package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A busy module becomes one build after another, each of them different, with a revert in between or without: the first
 * ones stay in memory, all later ones go when they are reverted, or superseded for long, and nothing is left of them.
 * {@code -Dkmolt.swaps=1000} says how many; {@code make test-thousand}.
 */
@Tag("lab")
class ManyBuildsTest {
    private static final int ROUNDS = Integer.getInteger("kmolt.swaps", 8);

    /** The builds that stay, the one that brings the pads, and some in which caches find their size. */
    private static final int WARM_UP = PadPolicy.LIMIT + 6;

    /** Those that stay in a chain, and how many are loaded then: with the last ones, and the one that answers. */
    private static final int STAYING = PadPolicy.LIMIT + 1;

    private static final int LOADED = STAYING + SwapOptions.KEEP + 1;

    private static final Path DIAL = Fixtures.swaps("dial");

    @TempDir
    private static @Nullable Path folder;

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws IOException {
        guest = SwapGuest.boot("");
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    @AfterEach
    void theKernelHasNoComplaint() {
        guest().assertQuiet();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static DistinctBuilds builds(Path original) {
        return new DistinctBuilds(original, Objects.requireNonNull(folder));
    }

    private static SwapReport swap(int n) throws Exception {
        Path build = builds(DIAL).dial(n);
        SwapReport report = guest().swap("dial", build, SwapGuest.withBase(DIAL));
        Files.delete(build);
        assertThat(setting()).isEqualTo(DistinctBuilds.SETTING + n);
        return report;
    }

    private static RevertReport revert() throws Exception {
        RevertReport report = guest().revert("dial");
        if (report.current().equals("base")) {
            assertThat(setting()).isEqualTo(DistinctBuilds.SETTING);
        }
        return report;
    }

    /** What whoever opens the device anew is told. */
    private static int setting() throws IOException {
        return Integer.parseInt(
                guest().sh("head -c 16 /dev/dial | od -An -tx8 -N8").strip(), 16);
    }

    /** What the copy of an address is answered that was made at some time before. */
    private static int keptSetting() throws IOException {
        return Integer.parseInt(guest().sh("cat /sys/module/keeper/parameters/setting"), 16);
    }

    private static List<String> updates() throws IOException {
        return guest().modules("dial").stream().filter(m -> !m.equals("dial")).toList();
    }

    /** How many files of editions are kept. */
    private static long keptFiles() throws IOException {
        return Long.parseLong(guest().sh("ls /var/lib/kmolt/*/builds/editions | wc -l"));
    }

    /** On the debug kernel KASAN keeps freed memory back: what is in use tells nothing. */
    @Tag("stock")
    @Test
    void aBusyModuleBecomesOneBuildAfterAnotherAndNothingIsLeftOfThem() throws Exception {
        startTurning();
        List<Integer> expected = new ArrayList<>(List.of(0));
        int n = 0;
        KernelMemory before = new KernelMemory(0, 0, 0, 0, 0, 0);
        while (n < WARM_UP + ROUNDS) {
            if (n == WARM_UP) {
                before = KernelMemory.of(guest());
            }
            n++;
            SwapReport report = swap(n);
            RevertReport back = revert();
            expected.addAll(List.of(n, 0));
            if (n <= PadPolicy.LIMIT) {
                assertThat(report.sticky()).singleElement().asString().startsWith("tables name its functions");
                assertThat(report.notes()).isEmpty();
            } else {
                assertThat(report.notes()).singleElement().asString().startsWith("tables lead through jump pads");
            }
            if (n > PadPolicy.LIMIT + 1) {
                assertThat(report.sticky()).isEmpty();
                assertThat(back.kept()).isEmpty();
            }
        }
        KernelMemory after = KernelMemory.of(guest());
        System.out.printf("%d swaps to distinct builds%n  before %s%n  after  %s%n", ROUNDS, before, after);
        assertThat(updates()).hasSize(STAYING);
        assertThat(keptFiles()).isEqualTo(STAYING);
        assertLevel(before, after);
        stopTurning(expected);
        guest().sh("rmmod dial");
        assertThat(guest().modules("dial")).isEmpty();
    }

    /** On the debug kernel KASAN keeps freed memory back: what is in use tells nothing. */
    @Tag("stock")
    @Test
    void aBusyModuleBecomesOneBuildOnTopOfTheOtherAndOnlyTheLastOnesStayToGoBackTo() throws Exception {
        startTurning();
        int warmUp = LOADED + 3;
        List<Integer> expected = new ArrayList<>(List.of(0));
        int n = 0;
        KernelMemory before = new KernelMemory(0, 0, 0, 0, 0, 0);
        while (n < warmUp + ROUNDS) {
            if (n == warmUp) {
                before = KernelMemory.of(guest());
            }
            n++;
            SwapReport report = swap(n);
            expected.add(n);
            assertThat(report.dropped()).hasSize(n > LOADED ? 1 : 0);
            assertThat(updates()).hasSize(Math.min(n, LOADED));
        }
        KernelMemory after = KernelMemory.of(guest());
        System.out.printf("%d swaps without a revert%n  before %s%n  after  %s%n", ROUNDS, before, after);
        assertThat(keptFiles()).isEqualTo(LOADED);
        assertLevel(before, after);
        assertThat(guest().logged("dial: dropped kmolt_dial_")).isEqualTo(n - LOADED);
        // Back over all that is left, one by one.
        for (int back = 1; back <= SwapOptions.KEEP; back++) {
            revert();
            assertThat(setting()).isEqualTo(DistinctBuilds.SETTING + n - back);
            expected.add(n - back);
        }
        for (int first = STAYING; first >= 0; first--) {
            assertThat(revert().current().equals("base")).isEqualTo(first == 0);
            assertThat(setting()).isEqualTo(DistinctBuilds.SETTING + first);
            expected.add(first);
        }
        assertThat(updates()).hasSize(STAYING);
        // It may be a chain again, in which those that stayed stand above what was dropped.
        for (int again = 1; again <= LOADED; again++) {
            swap(n + again);
            expected.add(n + again);
        }
        stopTurning(expected);
        guest().sh("rmmod dial");
        assertThat(guest().modules("dial")).isEmpty();
    }

    private static void startTurning() throws IOException {
        guest().sh("insmod " + DIAL + "; nice -n 19 " + Fixtures.program("turn-dial")
                + " /dev/dial >/run/turns 2>&1 & echo $! >/run/turner");
    }

    private static void assertLevel(KernelMemory before, KernelMemory after) {
        assertThat(after.modules()).isEqualTo(before.modules());
        assertThat(after.moduleBytes()).isEqualTo(before.moduleBytes());
        assertThat(after.sysfsEntries()).isEqualTo(before.sysfsEntries());
        assertThat(after.kernelKiB() - before.kernelKiB()).isLessThanOrEqualTo(KernelMemory.TOLERANCE_KIB);
        assertThat(before.availableKiB() - after.availableKiB()).isLessThanOrEqualTo(KernelMemory.TOLERANCE_KIB);
    }

    /** Ends it, and holds what it has seen against the builds that have answered. */
    private static void stopTurning(List<Integer> expected) throws IOException {
        guest().sh(
                        "kill $(cat /run/turner); for i in $(seq 100); do grep -q ^done /run/turns && break; sleep 0.1; done");
        List<String> turns = guest().sh("cat /run/turns").lines().toList();
        assertThat(turns).last().asString().startsWith("done ");
        List<Integer> seen = turns.subList(0, turns.size() - 1).stream()
                .map(turn -> Integer.parseInt(turn, 16) - DistinctBuilds.SETTING)
                .toList();
        // It may have slept through one, but has seen no other, and in no other order.
        assertThat(expected).containsSubsequence(seen);
        assertThat(seen).hasSizeGreaterThan(expected.size() / 2);
    }

    @Test
    void aCopyOfAnAddressThatATableHeldLeadsToWhoeverAnswersAlsoWhenItsEditionIsGone() throws Exception {
        guest().sh("insmod " + DIAL);
        for (int n = 1; n <= PadPolicy.LIMIT; n++) {
            swap(n);
            revert();
        }
        String owner = swap(20).edition();
        guest().sh("insmod " + Fixtures.swaps("keeper")); // copies the address of a pad
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + 20);
        assertThat(revert().kept()).isNotEmpty();
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING);
        for (int n = 21; n < 25; n++) {
            String edition = swap(n).edition();
            assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + n);
            guest().sh("echo >/sys/module/keeper/parameters/setting"); // the same pad, whoever answers
            assertThat(revert().kept()).isEmpty();
            assertThat(guest().isLoaded(edition)).isFalse();
            assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING);
        }
        // One on the other, and the one that brought the pads among them.
        assertThat(swap(20).edition()).isEqualTo(owner);
        swap(30);
        swap(31);
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + 31);
        assertThat(revert().kept()).isEmpty();
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + 30);
        // An edition from before the pads answers again: they lead to the base's function, and that leads on.
        assertThat(revert().current()).isEqualTo(owner);
        assertThat(revert().current()).isEqualTo("base");
        swap(1);
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + 1);
        // With others on top of it everything goes at once.
        swap(32);
        swap(33);
        assertThat(keptSetting()).isEqualTo(DistinctBuilds.SETTING + 33);
        guest().sh("rmmod keeper && rmmod dial");
        assertThat(guest().modules("dial")).isEmpty();
    }

    @Test
    void aModuleAndWhatItDependsOnAreUnloadedWithAllTheirBuilds() throws Exception {
        guest().sh("modprobe vfat");
        for (String module : List.of("fat", "vfat")) {
            DistinctBuilds builds = builds(SwapGuest.stock(SwapGuest.RUNNING, module));
            for (int n = 1; n <= PadPolicy.LIMIT + 2; n++) {
                guest().swap(module, builds.build(n));
                guest().revert(module);
            }
            guest().swap(module, builds.build(10));
            guest().swap(module, builds.build(11));
            assertThat(guest().modules(module)).hasSize(1 + PadPolicy.LIMIT + 1 + 2);
        }
        guest().sh("modprobe -r vfat");
        assertThat(guest().modules("vfat")).isEmpty();
        assertThat(guest().modules("fat")).isEmpty();
    }
}
