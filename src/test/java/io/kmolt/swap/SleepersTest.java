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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Who sleeps where it must not is found wherever that is, and whoever has replaced return addresses on its stack. That a
 * sleeper in an unchanged function that calls only redirected ones is in nobody's way, and goes on to call the new code,
 * is in {@link GreeterSwapTest}.
 */
@Tag("lab")
class SleepersTest {
    private static final Limits A_SECOND = Limits.within(Duration.ofSeconds(1));

    /** The code that leads from a site to who listens there is hardly longer. */
    private static final int CODE = 128;

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @AfterEach
    void theModuleGoesAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("for m in waiter greeter; do [ ! -e /sys/module/$m ] || rmmod $m; done");
        assertThat(guest().sh("grep -c ^kmolt_ /proc/modules || true")).isEqualTo("0");
        guest().assertQuiet();
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static void loadFirst(String module, String variant) throws IOException {
        guest().sh("insmod " + SwapGuest.fixture(module, variant));
    }

    /** Of a swap that somebody is in the way of. */
    private static Blocker blocker(String module, String variant, SwapOptions options) throws Exception {
        SwapException no = guest().refusal(
                        module,
                        SwapGuest.fixture(module, variant),
                        options.withLimits(Limits.within(Duration.ofSeconds(1))));
        assertThat(no.kind()).as(no.getMessage()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no).hasMessageContaining("tasks are in code that is about to change");
        assertThat(no.blockers()).hasSize(1);
        return no.blockers().getFirst();
    }

    /** Of the two functions only the static one that {@code waiter_read} calls has changed, and its prototype with it. */
    @Test
    void whoSleepsInAnUnchangedFunctionThatWouldGoOnToCallAnOldOneOfAnotherPrototypeIsInTheWay() throws Exception {
        loadFirst("waiter", "a");
        SwapOptions options = SwapGuest.withBase(SwapGuest.fixture("waiter", "a"));
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            Blocker blocker = blocker("waiter", "b", options);
            assertThat(blocker.pid()).isEqualTo(sleeper.pid());
            assertThat(blocker.command()).isEqualTo("sleep-in");
            assertThat(blocker.where()).matches("waiter_read\\+0x\\w+/0x\\w+ \\[waiter]");
            assertThat(blocker.stack()).contains(blocker.where()).anyMatch(frame -> frame.startsWith("vfs_read+"));
        }
        assertThat(told()).isEqualTo("10");

        SwapReport report = guest().swap("waiter", SwapGuest.fixture("waiter", "b"), options);
        assertThat(report.changed()).containsExactly("weigh");
        assertThat(told()).isEqualTo("27");

        // The way back is as sound.
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
            SwapException no = catchThrowableOfType(
                    SwapException.class,
                    () -> Revert.run(guest().target(), "waiter", Limits.within(Duration.ofSeconds(1)), Progress.NONE));
            assertThat(no.kind()).as(no.getMessage()).isEqualTo(SwapException.Kind.BUSY);
            assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(sleeper.pid());
            assertThat(no.blockers().getFirst().where())
                    .matches("waiter_read\\+\\S+ \\[" + report.edition() + ": waiter, build-id "
                            + report.buildId().substring(0, 12) + "]");
        }
        guest().revert("waiter");
        assertThat(told()).isEqualTo("30");
    }

    /** A look at those who sleep comes first, so that nobody stands still in vain. */
    @Test
    void noCpuIsStoppedForACommitThatASleeperPutsOff(@TempDir Path folder) throws Exception {
        loadFirst("waiter", "a");
        SwapOptions options = SwapGuest.withBase(SwapGuest.fixture("waiter", "a"));
        Update update = Update.link(guest(), "waiter", SwapGuest.fixture("waiter", "b"), folder, options);
        try (CoreSession session = CoreSession.open(guest().target())) {
            guest().target().insertModule(update.image(), update.name(), "");
            assertThat(session.send("stage " + update.name()).isOk()).isTrue();
            try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/waiter")) {
                Reply no = session.send("commit " + update.name());
                assertThat(no.error()).as(no.message()).isEqualTo("blocked");
                assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(sleeper.pid());
                assertThat(no.number("pause_ns")).isZero();
            }
            Reply yes = Attempts.run(session, "commit " + update.name(), Limits.DEFAULT.timeout(), Progress.NONE)
                    .reply();
            assertThat(yes.number("pause_ns")).as(yes.message()).isPositive();
        }
    }

    /** What the next reader is told when somebody has written. */
    private static String told() throws IOException {
        return guest().sh("dd if=/dev/waiter of=/run/told bs=16 count=1 2>/dev/null & reader=$!;"
                + " for i in $(seq 100); do grep -q waiter_read /proc/$reader/stack && break; sleep 0.1; done;"
                + " echo >/dev/waiter; wait $reader; cat /run/told");
    }

    /** Who puts an address of its own in place of that to which a function returns: at who sleeps, and at who is slept in. */
    enum Tracer {
        FUNCTION_GRAPH(
                "echo greeter_read schedule >set_ftrace_filter; echo function_graph >current_tracer",
                "grep -q 'greeter_read.* {' trace || { cat trace; exit 1; }",
                "echo nop >current_tracer; echo >set_ftrace_filter"),
        KRETPROBE(
                "echo 'r100:kmolt/left greeter_read' >>kprobe_events; echo 'r1000:kmolt/woke schedule' >>kprobe_events;"
                        + " echo 1 >events/kmolt/enable",
                // Those that return are counted: other tasks have done so.
                "awk '$1 == \"woke\" && $2 > 0 && $3 == 0 { n++ } END { exit !n }' kprobe_profile",
                "echo 0 >events/kmolt/enable; echo -:kmolt/left >>kprobe_events; echo -:kmolt/woke >>kprobe_events");

        private final String attach;
        private final String seen;
        private final String detach;

        Tracer(String attach, String seen, String detach) {
            this.attach = attach;
            this.seen = seen;
            this.detach = detach;
        }
    }

    @ParameterizedTest
    @EnumSource(Tracer.class)
    void whoSleepsInAChangedFunctionIsFoundAlthoughATracerHasReplacedReturnAddressesOnItsStack(Tracer tracer)
            throws Exception {
        loadFirst("greeter", "v1");
        SwapOptions options =
                SwapGuest.withBase(SwapGuest.fixture("greeter", "v1")).withAcknowledge(true);
        trace(tracer.attach);
        try (Sleeper sleeper = Sleeper.start(guest(), "device /dev/greeter")) {
            trace(tracer.seen);
            assertFound(sleeper, blocker("greeter", "v3", options));
            // What has been replaced stays so until the task returns there.
            trace(tracer.detach);
            assertFound(sleeper, blocker("greeter", "v3", options));
        }
        guest().swap("greeter", SwapGuest.fixture("greeter", "v3"), options);
        assertThat(guest().sh("head -n 1 /proc/greeter")).isEqualTo("greeter 3");
    }

    /** How a call that is redirected gets from its function's entry to the edition. */
    enum Passage {
        /** That ftrace has made for the redirects. */
        TRAMPOLINE("ftrace_trampoline", "echo"),
        /** That all share where several listen. */
        SHARED("ftrace_caller", "echo greeter_show >set_ftrace_filter; echo function >current_tracer");

        private final String symbol;
        private final String attach;

        Passage(String symbol, String attach) {
            this.symbol = symbol;
            this.attach = attach;
        }
    }

    /** Where it goes was chosen already, and shows on its stack only when it is there. */
    @ParameterizedTest
    @EnumSource(Passage.class)
    void whoWasPreemptedOnItsWayToAnEditionIsInTheWayOfARevert(Passage passage) throws Exception {
        loadFirst("greeter", "v1");
        guest().swap("greeter", SwapGuest.fixture("greeter", "v2"), fromTheFirst());
        trace(passage.attach);
        // Those that the kernel keeps of others stand behind the newest one.
        String at = guest().sh("awk '$3 == \"" + passage.symbol + "\" { print $1; exit }' /proc/kallsyms");
        long start = Long.parseUnsignedLong(at, 16);
        try (Preempted caller = Preempted.amid(guest(), start, start + CODE, "/proc/greeter")) {
            SwapException no = catchThrowableOfType(
                    SwapException.class, () -> Revert.run(guest().target(), "greeter", A_SECOND, true, Progress.NONE));
            assertThat(no).isNotNull();
            assertThat(no.kind()).as(no.getMessage()).isEqualTo(SwapException.Kind.BUSY);
            assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(caller.pid());
            assertThat(no.blockers().getFirst().where())
                    .matches("ftrace_call.*|a trampoline of ftrace \\(0x[0-9a-f]+\\)");
        }
        trace("echo nop >current_tracer; echo >set_ftrace_filter");
        guest().revert("greeter");
        assertThat(guest().sh("head -n 1 /proc/greeter")).isEqualTo("greeter 1");
    }

    /**
     * On 6.1 the unwinder takes it for the end of a stack, so that nothing of what called the function that returns is
     * seen: the changed one that called it neither.
     */
    @Test
    void whoWasPreemptedWhileATracedFunctionReturnsIsInTheWay() throws Exception {
        loadFirst("greeter", "v1");
        trace("echo seq_printf >set_ftrace_filter; echo function_graph >current_tracer");
        assertInTheWayWhilePreemptedIn("ftrace_return_to_handler", CODE);
        trace("echo nop >current_tracer; echo >set_ftrace_filter");
        guest().awaitNoOwner();
        guest().swap("greeter", SwapGuest.fixture("greeter", "v2"), fromTheFirst());
    }

    /** Nor does it see who called, where an indirect call has just entered the code that keeps it from being predicted. */
    @Test
    void whoWasPreemptedAtTheBeginningOfARetpolineIsInTheWay() throws Exception {
        loadFirst("greeter", "v1");
        assertInTheWayWhilePreemptedIn("__x86_indirect_thunk_rax", 1);
        guest().awaitNoOwner();
        guest().swap("greeter", SwapGuest.fixture("greeter", "v2"), fromTheFirst());
    }

    private static SwapOptions fromTheFirst() {
        return SwapGuest.withBase(SwapGuest.fixture("greeter", "v1"));
    }

    private static void assertInTheWayWhilePreemptedIn(String symbol, int bytes) throws Exception {
        String at = guest().sh("awk '$3 == \"" + symbol + "\" { print $1; exit }' /proc/kallsyms");
        long start = Long.parseUnsignedLong(at, 16);
        try (Preempted caller = Preempted.amid(guest(), start, start + bytes, "/proc/greeter")) {
            SwapException no = catchThrowableOfType(
                    SwapException.class,
                    () -> Swap.run(
                            guest().target(),
                            "greeter",
                            SwapGuest.fixture("greeter", "v2"),
                            fromTheFirst().withLimits(A_SECOND),
                            Progress.NONE));
            assertThat(no).isNotNull();
            assertThat(no.blockers())
                    .as(no.getMessage())
                    .extracting(Blocker::pid)
                    .containsExactly(caller.pid());
        }
    }

    private static void assertFound(Sleeper sleeper, Blocker blocker) {
        assertThat(blocker.pid()).isEqualTo(sleeper.pid());
        assertThat(blocker.where()).matches("greeter_read\\+0x\\w+/0x\\w+ \\[greeter]");
        assertThat(blocker.stack()).anyMatch(frame -> frame.startsWith("vfs_read+"));
    }

    private static void trace(String commands) throws IOException {
        guest().sh("(set -e; cd /sys/kernel/tracing; " + commands + ")");
    }
}
