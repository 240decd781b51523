package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.diff.Refusal;
import io.kmolt.lab.Fixtures;
import io.kmolt.swap.AttachedUser.Effect;
import io.kmolt.swap.AttachedUser.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Others who are attached to the functions of a module that is swapped, and whether what is said of them is true. */
@Tag("lab")
class AttachedUsersTest {
    private static final String TRACING = "cd /sys/kernel/tracing && ";

    /** Where a probe of a function's entry is: with IBT the kernel moves it behind ENDBR. */
    private static final String ENTRY = Fixtures.RUNNING.startsWith("6.1.") ? "" : "+0x4";

    /** Behind the call of ftrace. */
    private static final String WITHIN = ENTRY.isEmpty() ? "+0x5" : "+0x9";

    /** Functions that tables name, one in the middle of its code, and one that others of the module call. */
    private static final Map<Kind, String> AT = Map.of(
            Kind.KPROBE, "greeter_open" + ENTRY,
            Kind.KRETPROBE, "greeter_release" + ENTRY,
            Kind.TRACER, "greet",
            Kind.DIRECT_CALL, "greeter_write",
            Kind.LIVEPATCH, "greeter_read");

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
    void allGoAndTheKernelHasNoComplaint() throws IOException {
        guest().sh(TRACING + """
                echo nop >current_tracer
                ! [ -e instances/others ] || { echo nop >instances/others/current_tracer; rmdir instances/others; }
                for e in events/kprobes/*/enable; do ! [ -e $e ] || echo 0 >$e; done
                echo >kprobe_events
                ! [ -e /sys/module/kmolt_direct ] || rmmod kmolt_direct
                """);
        unpatch();
        guest().sh("rmmod greeter");
        assertThat(guest().modules("greeter")).isEmpty();
        assertThat(guest().sh("cat /sys/kernel/tracing/enabled_functions")).isEmpty();
        guest().assertQuiet();
    }

    // Those who attach themselves.

    private static void probe(String definition) throws IOException {
        String name = definition.substring(2, definition.indexOf(' '));
        guest().sh(TRACING + "echo '" + definition + "' >>kprobe_events && echo 1 >events/kprobes/" + name + "/enable");
    }

    private static void patch(String object, String function) throws IOException {
        guest().sh("insmod " + Fixtures.editions("kmolt_lp_cost") + " value=0 object=" + object + " function="
                + function + " && while grep -q 1 /sys/kernel/livepatch/*/transition; do sleep 0.1; done");
    }

    private static void unpatch() throws IOException {
        guest().sh("""
                [ -e /sys/module/kmolt_lp_cost ] || exit 0
                p=/sys/kernel/livepatch/kmolt_lp_cost
                echo 0 >$p/enabled
                while [ -e $p ]; do sleep 0.1; done
                rmmod kmolt_lp_cost
                """);
    }

    private static void attachAll() throws IOException {
        probe("p:opened greeter_open");
        probe("p:within greeter_show" + WITHIN);
        probe("r:released greeter_release");
        guest().sh(TRACING + """
                mkdir instances/others
                echo greet >instances/others/set_ftrace_filter
                echo function >instances/others/current_tracer
                """);
        guest().sh("insmod " + Fixtures.editions("kmolt_direct") + " function=greeter_write");
        patch("greeter", "greeter_read");
    }

    /** How many calls each of them has seen. */
    private static Map<String, Long> seen() throws IOException {
        return guest().sh(TRACING + """
                        awk '{ print $1, $2 }' kprobe_profile
                        echo greeted $(grep -c ' greet <-' instances/others/trace)
                        echo direct $(cat /sys/module/kmolt_direct/parameters/calls)
                        """)
                .lines()
                .map(line -> line.split(" "))
                .collect(Collectors.toMap(words -> words[0], words -> Long.valueOf(words[1])));
    }

    /** Calls each function once or more; returns what a reader of the device hears first. */
    private static String visit() throws IOException {
        return guest().sh("echo Ada >/dev/greeter && cat /proc/greeter >/dev/null && head -c 14 /dev/greeter");
    }

    private static void assertSees(boolean expected) throws IOException {
        Map<String, Long> before = seen();
        visit();
        seen().forEach((who, calls) -> assertThat(calls > before.getOrDefault(who, 0L))
                .as(who + ": " + calls)
                .isEqualTo(expected));
    }

    private static SwapOptions options() {
        return SwapGuest.withBase(version("v1"));
    }

    // What is said of them, and what is true.

    /** On the debug kernel the build is refused first: code stores addresses of functions there that others hold. */
    @Tag("stock")
    @Test
    void allAreNamedAndCutOffOnlyIfThatIsAcknowledgedAndAreBackAfterARevert() throws Exception {
        attachAll();
        assertThat(visit()).isEmpty();
        assertSees(true);

        SwapException no = guest().refusal("greeter", version("v2"), options());
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
        assertThat(no).hasMessageContaining("--acknowledge");
        assertThat(no.refusals()).hasSize(6).extracting(Refusal::kind).containsOnly(Refusal.Kind.ATTACHED);
        assertSees(true);

        SwapReport plan =
                Swap.run(guest().target(), "greeter", version("v2"), options().withDryRun(true), Progress.NONE);
        AT.forEach((kind, function) -> assertThat(plan.attached())
                .filteredOn(u -> u.kind() == kind && u.functions().equals(List.of(function)))
                .singleElement()
                .extracting(AttachedUser::effect)
                .isEqualTo(kind == Kind.LIVEPATCH ? Effect.BYPASSED : Effect.BLINDED));
        assertThat(plan.attached()).anyMatch(u -> u.functions().equals(List.of("greeter_show" + WITHIN)));

        SwapReport report = guest().swap("greeter", version("v2"), options().withAcknowledge(true));
        assertThat(report.attached()).isEqualTo(plan.attached());
        // The livepatch had the reader hear nothing.
        assertThat(visit()).isEqualTo("Hello, Ada! Yo");
        assertSees(false);

        // On top of that edition: they have nothing more to lose.
        guest().swap("greeter", version("v3"), options());
        assertSees(false);
        guest().revert("greeter");
        assertSees(false);

        guest().revert("greeter");
        assertThat(visit()).isEmpty();
        assertSees(true);
    }

    @Test
    void aRevertCutsOffWhoIsAtTheEdition() throws Exception {
        String edition = guest().swap("greeter", version("v2"), options()).edition();
        probe("p:opened " + edition + ":greeter_open");
        Map<String, Long> before = opened();
        visit();
        assertThat(opened()).isNotEqualTo(before);

        SwapException no = revertRefused(false);
        assertThat(no.refusals())
                .extracting(Refusal::subject)
                .containsExactly("kprobe on " + edition + ":greeter_open" + ENTRY);

        patch(edition, "greeter_read");
        assertThat(revertRefused(true).refusals())
                .extracting(Refusal::subject)
                .containsExactly("livepatch (kmolt_lp_cost) on " + edition + ":greeter_read");
        unpatch();

        RevertReport report = Revert.run(guest().target(), "greeter", options().limits(), true, Progress.NONE);
        assertThat(report.attached()).extracting(AttachedUser::effect).containsExactly(Effect.BLINDED);
        before = opened();
        visit();
        assertThat(opened()).isEqualTo(before);
    }

    private static Map<String, Long> opened() throws IOException {
        return Map.of("opened", Long.valueOf(guest().sh(TRACING + "awk '{ print $2 }' kprobe_profile")));
    }

    private static SwapException revertRefused(boolean acknowledge) throws IOException {
        String current = guest().current("greeter");
        SwapException no = catchThrowableOfType(
                SwapException.class,
                () -> Revert.run(guest().target(), "greeter", options().limits(), acknowledge, Progress.NONE));
        assertThat(no).isNotNull();
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
        assertThat(guest().current("greeter")).isEqualTo(current);
        return no;
    }

    @Test
    void aTracerOfAllFunctionsGoesOnToSeeThemAll() throws Exception {
        guest().sh(TRACING + "echo 0 >tracing_on; echo function >current_tracer");
        SwapReport report = guest().swap("greeter", version("v2"), options());
        assertThat(report.attached())
                .containsExactly(new AttachedUser(Kind.TRACER, "", List.of(), "function", Effect.KEPT));
        String calls = TRACING + """
                echo >trace; echo 1 >tracing_on; cat /proc/greeter >/dev/null; : </dev/greeter
                echo 0 >tracing_on; grep -c ' greeter_open <-' trace; echo nop >current_tracer; echo 1 >tracing_on
                """;
        // No call of the base's: the table names the edition's.
        assertThat(guest().sh(calls)).isEqualTo("1");
        guest().revert("greeter");
    }

    @Test
    void whoComesWhileTheEditionIsStagedIsNotCutOffEither() throws Exception {
        SwapException no = catchThrowableOfType(
                SwapException.class,
                () -> Swap.run(guest().target(), "greeter", version("v2"), options(), step -> {
                    if (step.startsWith("staging")) {
                        attachLate();
                    }
                }));
        assertThat(no.refusals())
                .extracting(Refusal::subject)
                .containsExactly("kprobe on greeter:greeter_open" + ENTRY);
        assertThat(guest().current("greeter")).isEqualTo("base");
        assertThat(guest().modules("greeter")).containsExactly("greeter");
    }

    private static void attachLate() {
        try {
            // The update is loaded already, and has a function of that name, too.
            probe("p:opened greeter:greeter_open");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void whereItCannotBeToldWhoIsAttachedThatNeedsToBeAcknowledgedToo() throws Exception {
        guest().sh("umount /sys/kernel/debug");
        try {
            SwapException no = guest().refusal("greeter", version("v2"), options());
            assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
            assertThat(no).hasMessageContaining("debugfs is not mounted").hasMessageContaining("--acknowledge");
            SwapReport plan = Swap.run(
                    guest().target(), "greeter", version("v2"), options().withDryRun(true), Progress.NONE);
            assertThat(plan.notes())
                    .anyMatch(note -> note.contains("debugfs is not mounted") && note.endsWith("needs --acknowledge"));
            guest().swap("greeter", version("v2"), options().withAcknowledge(true));
            assertThat(revertRefused(false)).hasMessageContaining("debugfs is not mounted");
            Revert.run(guest().target(), "greeter", options().limits(), true, Progress.NONE);
        } finally {
            guest().sh("mount -t debugfs none /sys/kernel/debug");
        }
    }
}
