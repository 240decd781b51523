package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.lab.Fixtures;
import io.kmolt.lab.LabOptions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.SwapException;
import io.kmolt.target.CommandResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A route beside others who are at the same function's entry. Whoever comes and goes, and in which order: each user gets
 * the answer that is meant for him, tracers see the calls, and an edition that calls the original gets what the others have
 * made of it, once.
 */
@Tag("lab")
class EditionTracersTest {
    private static final String FUNCTION = "cmdline_proc_show";
    private static final String NEIGHBOUR = "version_proc_show";
    private static final String UPDATE = "shown";

    /** Root gets the original, and two users an edition each. */
    private static final int OF_EDITION = 1000;

    private static final int OF_PASSING_EDITION = 1001;
    private static final String ROUTE = "uid == 1000 ? 1 : uid == 1001 ? 2 : 0";

    private static final String BY_EDITION = "shown by an edition";
    private static final String BY_LIVEPATCH = "shown by a livepatch";
    private static final String PASSED_ON = "passed on by an edition";

    private static @Nullable EditionGuest guest;
    private static String original = "";

    private final SortedSet<Tracer> attached = new TreeSet<>();
    private boolean routed;

    @BeforeAll
    static void boot() throws IOException {
        guest = EditionGuest.boot(LabOptions.defaults());
        original = guest().sh("cat /proc/cmdline");
    }

    @BeforeEach
    void load() throws Exception {
        guest().load("tests/editions/updates/shown.c");
        check();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        // Whatever has failed, the next test finds all as it should be.
        for (Tracer tracer : attached) {
            tracer.detach(guest(), FUNCTION);
        }
        guest().sh("echo 1 >/proc/sys/kernel/ftrace_enabled; ! [ -e /sys/module/kmolt_direct ] || rmmod kmolt_direct");
        guest().unload(UPDATE);
        assertThat(guest().tracedFunctions()).isEmpty();
        assertThat(guest().sh("cat /proc/cmdline")).isEqualTo(original);
        guest().assertQuiet();
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static EditionGuest guest() {
        return Objects.requireNonNull(guest);
    }

    // Steps; each ends with a look at everything.

    private void attach(Tracer tracer) throws Exception {
        tracer.attach(guest(), FUNCTION);
        attached.add(tracer);
        check();
    }

    private void detach(Tracer tracer) throws Exception {
        tracer.detach(guest(), FUNCTION);
        attached.remove(tracer);
        check();
    }

    private void route() throws Exception {
        guest().route(FUNCTION, ROUTE);
        routed = true;
        check();
    }

    private void takeBack() throws Exception {
        guest().route(FUNCTION, "0");
        routed = false;
        check();
    }

    private void check() throws Exception {
        String step = (routed ? "routed, " : "not routed, ") + attached;
        Counts before = Counts.now(attached);
        String plain = attached.contains(Tracer.LIVEPATCH) ? BY_LIVEPATCH : original;
        assertThat(answers())
                .as(step)
                .containsExactly(plain, routed ? BY_EDITION : plain, routed ? plain + "\n" + PASSED_ON : plain);

        int routedCalls = routed ? 1 : 0;
        SortedMap<Integer, Long> hits = new TreeMap<>(before.function().hits());
        hits.replaceAll((edition, count) -> count + routedCalls);
        // Where somebody else changes what the function does, an edition calls the original by its entry.
        int calls = 3 + (routed && before.function().shared() ? 1 : 0);
        Map<Tracer, Integer> seen = new EnumMap<>(Tracer.class);
        before.seen().forEach((tracer, count) -> seen.put(tracer, count + (tracer == Tracer.LIVEPATCH ? 0 : calls)));
        Counts after = Counts.now(attached);
        assertThat(after.function().hits()).as(step).isEqualTo(hits);
        assertThat(after.passed() - before.passed())
                .as(step + ": calls of the edition that calls the original")
                .isEqualTo(routedCalls);
        assertThat(after.seen()).as(step).isEqualTo(seen);
        guest().assertQuiet();
    }

    /**
     * What has been counted.
     *
     * @param function what the core tells of it
     * @param passed how often the edition ran that calls the original
     * @param seen how many calls tracers have seen
     */
    private record Counts(EditedFunction function, int passed, Map<Tracer, Integer> seen) {
        static Counts now(Set<Tracer> tracers) throws IOException {
            StringBuilder script = new StringBuilder("cat /sys/module/kmolt_shown/parameters/passed");
            tracers.forEach(tracer -> script.append("; ").append(tracer.seen(FUNCTION)));
            List<Integer> counts =
                    guest().sh(script.toString()).lines().map(Integer::valueOf).toList();
            Map<Tracer, Integer> seen = new EnumMap<>(Tracer.class);
            int next = 1;
            for (Tracer tracer : tracers) {
                seen.put(tracer, counts.get(next++));
            }
            return new Counts(guest().function(UPDATE, FUNCTION), counts.getFirst(), seen);
        }
    }

    /** What root and the two users get. */
    private static List<String> answers() throws IOException {
        StringBuilder script = new StringBuilder();
        for (int user : List.of(0, OF_EDITION, OF_PASSING_EDITION)) {
            script.append(EditionGuest.as(user)).append("cat /proc/cmdline || exit 1; echo =;");
        }
        List<String> answers = new ArrayList<>();
        for (String answer : guest().sh(script.toString()).split("=\n|=$")) {
            answers.add(answer.strip());
        }
        return answers;
    }

    @ParameterizedTest
    @EnumSource
    void whoeverComesFirstAndWhoeverGoesFirst(Tracer tracer) throws Exception {
        for (boolean tracerFirst : new boolean[] {true, false}) {
            for (boolean tracerStays : new boolean[] {true, false}) {
                if (tracerFirst) {
                    attach(tracer);
                    route();
                } else {
                    route();
                    attach(tracer);
                }
                assertThat(guest().tracedFunctions()).contains(FUNCTION);
                if (tracerStays) {
                    takeBack();
                    detach(tracer);
                } else {
                    detach(tracer);
                    takeBack();
                }
                assertThat(guest().tracedFunctions()).isEmpty();
            }
        }
    }

    @Test
    void aLivepatchAndTracersAndARouteAllAtOnce() throws Exception {
        attach(Tracer.KPROBE);
        attach(Tracer.LIVEPATCH);
        route();
        attach(Tracer.FUNCTION);
        attach(Tracer.KRETPROBE);
        detach(Tracer.FUNCTION);
        attach(Tracer.FUNCTION_GRAPH);
        detach(Tracer.LIVEPATCH);
        // The detour by the entry stays as long as the editions are loaded.
        assertThat(guest().function(UPDATE, FUNCTION).shared()).isTrue();
        detach(Tracer.KPROBE);
        attach(Tracer.LIVEPATCH);
        takeBack();
        detach(Tracer.KRETPROBE);
        detach(Tracer.FUNCTION_GRAPH);
        detach(Tracer.LIVEPATCH);
    }

    @Test
    void onlyAnotherWhoChangesTheFunctionMakesItShared() throws Exception {
        route();
        attach(Tracer.FUNCTION);
        attach(Tracer.KRETPROBE);
        assertThat(guest().function(UPDATE, FUNCTION).shared()).isFalse();
        detach(Tracer.KRETPROBE);
        detach(Tracer.FUNCTION);
        attach(Tracer.LIVEPATCH);
        assertThat(guest().function(UPDATE, FUNCTION).shared()).isTrue();
        detach(Tracer.LIVEPATCH);
        takeBack();
    }

    @Test
    void ftraceCannotBeSwitchedOffWhileARouteIsInForce() throws Exception {
        route();
        CommandResult result = guest().attempt("echo 0 >/proc/sys/kernel/ftrace_enabled");
        assertThat(result.status()).isNotZero();
        assertThat(result.stderr()).contains("busy");
        assertThat(guest().sh("cat /proc/sys/kernel/ftrace_enabled")).isEqualTo("1");
        check();
        takeBack();
        guest().sh("echo 0 >/proc/sys/kernel/ftrace_enabled; echo 1 >/proc/sys/kernel/ftrace_enabled");
    }

    @Test
    void withFtraceSwitchedOffARouteIsRefusedAndNothingIsLeft() throws Exception {
        guest().sh("echo 0 >/proc/sys/kernel/ftrace_enabled");
        try {
            assertRouteRefused("cmdline_proc_show: ftrace has not patched it; is kernel.ftrace_enabled 0?");
        } finally {
            guest().sh("echo 1 >/proc/sys/kernel/ftrace_enabled");
        }
        assertThat(guest().tracedFunctions()).isEmpty();
        check();
        route();
        takeBack();
    }

    @Test
    void aSecondDirectCallIsRefusedWhoeverComesFirst() throws Exception {
        guest().insert("kmolt_direct", "");
        assertRouteRefused("cmdline_proc_show: another user, such as BPF, has a direct call at its entry");
        int before = directCalls();
        check();
        assertThat(directCalls() - before).isEqualTo(3);
        guest().sh("rmmod kmolt_direct");

        route();
        CommandResult second = guest().attempt("insmod " + Fixtures.editions("kmolt_direct"));
        assertThat(second.status()).isNotZero();
        assertThat(second.stderr()).contains("busy");
        check();
        takeBack();
    }

    private static int directCalls() throws IOException {
        return Integer.parseInt(guest().sh("cat /sys/module/kmolt_direct/parameters/calls"));
    }

    /** Both functions of the update are to be routed; neither is. */
    private void assertRouteRefused(String message) throws Exception {
        assertThatThrownBy(() -> guest().route(NEIGHBOUR, "1", FUNCTION, ROUTE))
                .isInstanceOf(SwapException.class)
                .hasMessageContaining(message);
        assertThat(guest().editions(UPDATE).routes().equals("none")).isTrue();
        assertThat(guest().modules("kmolt_shown")).containsExactly("kmolt_shown");
        assertThat(guest().sh("cat /proc/version")).isNotEqualTo(BY_EDITION);
        assertThat(guest().tracedFunctions()).doesNotContain(NEIGHBOUR);
    }
}
