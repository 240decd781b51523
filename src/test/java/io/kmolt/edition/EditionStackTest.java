package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.edition.UnwindProbes.Probe;
import io.kmolt.lab.Fixtures;
import io.kmolt.lab.LabOptions;
import io.kmolt.route.Explanation.Line;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The kernel's unwinder knows the way out of editions, of dispatchers and of what lies between them: livepatch and kmolt
 * itself rely on it when they look who is inside.
 */
@Tag("lab")
class EditionStackTest {
    private static final int USER = 1000;
    private static final int OTHER_USER = 1001;

    /** What root reads goes to the original, what the user reads to the edition, and two values have to be kept. */
    private static final String WITH_PUSHES =
            "(uid - cpu * 2) * switch(\"stack\") > ((pid - tgid) ^ (gid + 5)) ? 1 : 0";

    private static @Nullable EditionGuest guest;

    @BeforeAll
    static void boot() throws IOException {
        guest = EditionGuest.boot(LabOptions.defaults());
        guest().insert("kmolt_unwind", "");
    }

    @AfterEach
    void nothingIsLeftAndTheKernelHasNoComplaint() throws Exception {
        guest().unloadAll();
        assertThat(guest().modules("kmolt_")).containsExactly("kmolt_unwind");
        assertThat(guest().tracedFunctions()).isEmpty();
        guest().assertQuiet();
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static EditionGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @Test
    void theStackOfATaskAsleepInAnEditionIsReliableAndNamesTheEdition() throws Exception {
        guest().load("examples/editions/pipes.c");
        guest().route("pipe_read", "uid == 1000 ? 1 : 0");
        List<String> inEdition = stackOfSleeper(USER);
        assertThat(inEdition)
                .containsSubsequence("pipe_read", "counted_read [kmolt_pipes]", "vfs_read", "ksys_read")
                .endsWith("entry_SYSCALL_64_after_hwframe");
        List<String> inOriginal = stackOfSleeper(0);
        assertThat(inOriginal)
                .containsSubsequence("pipe_read", "vfs_read")
                .doesNotContain("counted_read [kmolt_pipes]");
        assertThat(inEdition).hasSize(inOriginal.size() + 1);
    }

    /** The functions on it, the innermost first, as livepatch would see it. */
    private static List<String> stackOfSleeper(int user) throws IOException {
        String said = guest().sh(("%s%s pipe napper </dev/null >/run/sleeper 2>&1 & echo $! >/run/sleeper.pid;"
                        + " for i in $(seq 300); do grep tid= /run/sleeper && exit; sleep 0.1; done; exit 1")
                .formatted(EditionGuest.as(user), Fixtures.program("sleep-in")));
        Matcher tid = Pattern.compile("tid=(\\d+)").matcher(said);
        assertThat(tid.find()).as(said).isTrue();
        String stack = guest().sh("echo %s >/proc/kmolt_unwind; cat /proc/kmolt_unwind; echo off >/proc/kmolt_unwind"
                .formatted(tid.group(1)));
        System.out.println(stack);
        String woken = guest().sh("pid=$(cat /run/sleeper.pid); kill -TERM $pid;"
                + " while [ -e /proc/$pid ]; do sleep 0.1; done; tail -n 1 /run/sleeper");
        assertThat(woken).isEqualTo("woke result=1");
        List<String> frames = stack.lines().skip(1).toList();
        assertThat(frames).as(stack).hasSizeGreaterThan(5);
        assertThat(stack).startsWith("pid=%s comm=napper ret=%d\n".formatted(tid.group(1), frames.size()));
        return frames.stream()
                .map(frame ->
                        frame.strip().replaceFirst("^[0-9a-f]+ ", "").replaceFirst("\\+0x[0-9a-f]+/0x[0-9a-f]+", ""))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "uid == 1000 ? 1 : 0", WITH_PUSHES})
    void everyInstructionOfADispatcherCanBeUnwoundFrom(String route) throws Exception {
        guest().load("examples/editions/pipes.c");
        SwitchWord.set(guest().target(), "stack", 2);
        String code = guest().route("pipe_read", route).functions().stream()
                .flatMap(function -> function.code().stream())
                .map(Line::text)
                .collect(Collectors.joining("\n"));
        assertThat(code.contains("push") && code.contains("pop")).isEqualTo(route.equals(WITH_PUSHES));

        String routes = guest().editions("pipes").routes();
        long dispatcher = guest().address(routes, "pipe_read.dispatch");
        long stub = guest().address("kmolt_pipes", "kmolt_original.pipe_read");
        try (UnwindProbes probes = new UnwindProbes(guest())) {
            probes.range(
                    guest().address(routes, "pipe_read.dispatch_first_shared"),
                    guest().address(routes, "pipe_write.dispatch_first_shared"));
            probes.range(stub, guest().address("kmolt_pipes", "kmolt_original.pipe_write"));
            passDataThroughPipes();

            List<Probe> all = probes.read();
            System.out.println(route + ": " + all.size() + " instructions, "
                    + all.stream().mapToInt(Probe::hits).sum() + " hits");
            assertThat(all).allMatch(probe -> probe.errors() == 0 && probe.lost() == 0);
            List<Probe> inDispatcher = all.stream()
                    .filter(probe ->
                            probe.address() >= dispatcher && probe.symbol().startsWith("pipe_read.dispatch"))
                    .toList();
            assertThat(inDispatcher).hasSizeGreaterThanOrEqualTo(4).allSatisfy(probe -> {
                assertThat(probe.hits()).isPositive();
                assertThat(String.join(" ", probe.callers()))
                        .matches("(pipe_read\\+0x5/\\S+ )?vfs_read\\+\\S+ ksys_read\\+.*");
            });
            List<Probe> inStub = all.stream()
                    .filter(probe -> probe.address() >= stub && probe.address() < stub + 32)
                    .toList();
            // A look at the marker and the jump to the original's body; not the jump to its entry.
            assertThat(inStub).hasSize(5);
            assertThat(inStub.subList(0, 3)).allSatisfy(probe -> {
                assertThat(probe.hits()).isPositive();
                assertThat(String.join(" ", probe.callers()))
                        .matches("counted_read\\+\\S+ \\[kmolt_pipes\\] vfs_read\\+.*");
            });
            assertThat(inStub.subList(3, 5)).allMatch(probe -> probe.hits() == 0);
        }
    }

    /** As root and as the user at once. */
    private static void passDataThroughPipes() throws IOException {
        String load = Fixtures.program("kmolt-load") + " --pipes --procs 4 --for 3";
        String said = guest().sh("%s%s >/run/load 2>&1 & %s && wait $! && cat /run/load"
                .formatted(EditionGuest.as(USER), load, load));
        assertThat(said.lines().filter(line -> line.matches(".*iterations=[1-9]\\d* mismatches=0 errors=0.*")))
                .as(said)
                .hasSize(2);
    }

    /**
     * While a livepatch is attached, the dispatcher returns to where the livepatch's function begins. Unwinders take the
     * address before a return address ({@code unwind_next_frame()} in {@code arch/x86/kernel/unwind_orc.c}), which is no
     * code there, and say that they cannot be relied upon. Whoever asked comes again: nothing worse happens.
     */
    @Test
    void sharedDispatchersCanBeUnwoundFromAsFarAsTheLivepatchLetsThem() throws Exception {
        guest().load("tests/editions/updates/shown.c");
        guest().livepatch("kmolt_lp_show", "");
        guest().route("cmdline_proc_show", "uid == 1000 ? 1 : uid == 1001 ? 2 : 0");
        String routes = guest().editions("shown").routes();
        String livepatch = "0x%x".formatted(guest().address("kmolt_lp_show", "patched"));

        try (UnwindProbes probes = probesOfShared(routes)) {
            showToEverybody("shown by a livepatch");
            List<Probe> all = probes.read();
            assertThat(all).allMatch(probe -> probe.lost() == 0);
            assertThat(all)
                    .filteredOn(probe -> probe.errors() > 0)
                    .allSatisfy(probe -> assertThat(probe.callers().getFirst()).isEqualTo(livepatch));
            assertSharedWayTaken(all, routes);
        }
        guest().unpatch("kmolt_lp_show");

        // What was shared remains so, and now goes on to the original.
        try (UnwindProbes probes = probesOfShared(routes)) {
            showToEverybody(guest().sh("cat /proc/cmdline"));
            List<Probe> all = probes.read();
            assertThat(all).allMatch(probe -> probe.errors() == 0 && probe.lost() == 0);
            assertSharedWayTaken(all, routes);
            assertThat(all)
                    .filteredOn(probe -> probe.hits() > 0)
                    .allSatisfy(
                            probe -> assertThat(String.join(" ", probe.callers()))
                                    .matches(
                                            "(cmdline_proc_show\\+0x5/\\S+ )?(cmdline_with_note\\+\\S+ \\[kmolt_shown\\] )?seq_read_iter\\+.*"));
        }
    }

    private static UnwindProbes probesOfShared(String routes) throws IOException {
        long stub = guest().address("kmolt_shown", "kmolt_original.cmdline_proc_show");
        return new UnwindProbes(guest())
                .range(
                        guest().address(routes, "cmdline_proc_show.dispatch_first_shared"),
                        guest().address(routes, "version_proc_show.dispatch_first_shared"))
                .range(stub, stub + 32);
    }

    private static void showToEverybody(String original) throws IOException {
        String script = "for i in $(seq 5); do cat /proc/cmdline; %scat /proc/cmdline; %scat /proc/cmdline; done"
                .formatted(EditionGuest.as(USER), EditionGuest.as(OTHER_USER));
        String once = original + "\nshown by an edition\n" + original + "\npassed on by an edition\n";
        assertThat(guest().sh(script)).isEqualTo(once.repeat(5).strip());
    }

    /** Every instruction from the entry for shared sites on, those that let calls by editions go on, and the stub's. */
    private static void assertSharedWayTaken(List<Probe> all, String routes) throws IOException {
        long shared = guest().address(routes, "cmdline_proc_show.dispatch_shared");
        System.out.println("shared: " + all.size() + " instructions, "
                + all.stream().mapToInt(Probe::hits).sum() + " hits, "
                + all.stream().mapToInt(Probe::errors).sum() + " errors");
        List<Probe> dispatcher = all.stream()
                .filter(probe -> probe.symbol().contains("dispatch"))
                .toList();
        List<Probe> stub = all.stream()
                .filter(probe -> !probe.symbol().contains("dispatch"))
                .toList();
        assertThat(dispatcher)
                .filteredOn(probe -> probe.address() >= shared)
                .hasSizeGreaterThan(10)
                .allMatch(probe -> probe.hits() > 0);
        assertThat(dispatcher)
                .filteredOn(probe -> probe.address() < shared && probe.hits() > 0)
                .hasSize(2)
                .allMatch(probe -> probe.hits() == 5);
        assertThat(stub).extracting(Probe::hits).containsExactly(5, 5, 0, 5, 5);
    }
}
