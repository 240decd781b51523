package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The tool is killed at every step that it takes with the core's device open, before it and amid it. What it leaves is
 * what was before or what was to be, nothing in between, and nothing pinned; and the next tool goes on from there.
 */
@Tag("lab")
class KilledToolTest {
    /** More than a swap or a revert has. */
    private static final int LIMIT = 40;

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        guest().sh("insmod " + version("v1"));
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @AfterAll
    static void stop() throws IOException {
        try (SwapGuest last = guest()) {
            last.sh("rmmod greeter; rmmod kmolt");
            last.assertQuiet();
        }
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path version(String name) {
        return SwapGuest.fixture("greeter", name);
    }

    private interface Change {
        void make(Target target) throws IOException, SwapException;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whileItSwaps(boolean amid) throws Exception {
        everyStep(
                amid,
                target -> Swap.run(target, "greeter", version("v2"), SwapGuest.withBase(version("v1")), Progress.NONE),
                "base");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whileItReverts(boolean amid) throws Exception {
        everyStep(amid, target -> Revert.run(target, "greeter", Limits.DEFAULT, Progress.NONE), "edition");
    }

    /** On the target itself, where it holds the device and not a shell of its. On the debug kernel a JVM takes minutes. */
    @Tag("stock")
    @Test
    void asAProcessOfTheTarget() throws Exception {
        bring("base");
        String ended = guest().sh(
                        "kmolt swap greeter " + version("v2") + " --base " + version("v1")
                                + " --verify true --for 1m >/run/said 2>&1 & tool=$!; owner=none; while [ \"$owner\" = none ]; do"
                                + " read -r owner </sys/kernel/kmolt/owner; kill -0 $tool || { cat /run/said; exit 1; }; sleep 0.1; done; sleep 0.5; kill -KILL ${owner%% *}; wait $tool; echo $?");
        assertThat(ended).isEqualTo("137");
        // Where it was committed already, the target takes it back, as nobody will verify it any more.
        guest().sh("for i in $(seq 300); do ls /run/kmolt-verify.* 2>/dev/null || exit 0; sleep 0.1; done; exit 1");
        assertThat(nothingIsInBetween("killed as a process")).isEqualTo("base");
    }

    private static void everyStep(boolean amid, Change change, String before) throws Exception {
        for (int step = 0; step < LIMIT; step++) {
            bring(before);
            MortalTarget mortal = new MortalTarget(guest().guest().openShell(), guest().target(), step, amid);
            try (mortal) {
                change.make(mortal);
            } catch (TargetException | SwapException e) {
                assertThat(mortal.died()).as(e.toString()).isTrue();
            }
            if (!mortal.died()) {
                assertThat(step).isGreaterThan(2);
                return;
            }
            String last = mortal.steps().getLast();
            String what = nothingIsInBetween("killed " + (amid ? "amid " : "before ") + last);
            System.out.printf("%s %s: %s%n", amid ? "amid" : "before", last, what);
        }
        throw new AssertionError("more than " + LIMIT + " steps");
    }

    private static void bring(String wanted) throws Exception {
        boolean swapped = !guest().current("greeter").equals("base");
        if (swapped && wanted.equals("base")) {
            guest().revert("greeter");
        } else if (!swapped && !wanted.equals("base")) {
            guest().swap("greeter", version("v2"), SwapGuest.withBase(version("v1")));
        }
    }

    /** Returns who answers. */
    private static String nothingIsInBetween(String as) throws Exception {
        guest().awaitNoOwner();
        CoreState state = CoreState.ask(guest().target());
        String current = guest().current("greeter");
        assertThat(guest().sh("head -n 1 /proc/greeter"))
                .as(as)
                .isEqualTo(current.equals("base") ? "greeter 1" : "greeter 2");
        for (SwappedModule module : state.modules()) {
            for (LoadedEdition edition : module.editions()) {
                // One that tables have named stays, retired.
                assertThat(edition.state()).as(as).isEqualTo(edition.name().equals(current) ? "current" : "retired");
                assertThat(edition.state().equals("current") || edition.sticky())
                        .as(as)
                        .isTrue();
            }
        }
        assertThat(guest().modules("greeter").stream().filter(m -> m.startsWith("kmolt_")))
                .as(as)
                .containsExactlyInAnyOrderElementsOf(state.modules().stream()
                        .flatMap(m -> m.editions().stream())
                        .map(LoadedEdition::name)
                        .toList());
        assertThat(guest().sh("cat /sys/module/greeter/refcnt")).as(as).isEqualTo("0");
        guest().assertQuiet();
        return current;
    }
}
