package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.lab.Fixtures;
import io.kmolt.lab.Monitor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stop of all CPUs: one that does not come to rest, that comes and goes, or that stands still for half a minute. */
@Tag("lab")
class StopTest {
    private static final String SUPPRESS = "/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress";

    private static final String UNREADABLE = "its stack cannot be read reliably";

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        guest().sh("modprobe minix");
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @AfterEach
    void nothingIsLeftAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("rmmod kmolt_hog 2>/dev/null; rmmod minix && modprobe minix");
        assertThat(guest().modules("minix")).containsExactly("minix");
        guest().assertQuiet();
    }

    private static void hog(String parameters) throws IOException {
        guest().sh("insmod " + Fixtures.editions("kmolt_hog") + " cpu=1 " + parameters);
    }

    /** An update for minix as it is loaded now, linked and not loaded. */
    private Update save() throws Exception {
        return Update.link(guest(), "minix", SwapGuest.fixture("minix", "a"), folder);
    }

    /** An update for minix that is staged by a session that is held. */
    private String stage(CoreSession session) throws Exception {
        Update update = save();
        guest().target().insertModule(update.image(), update.name(), "");
        assertThat(session.send("stage " + update.name()).isOk()).isTrue();
        return update.name();
    }

    @Test
    void aCpuThatComputesInTheKernelPutsTheCommitOffAndKeepsNobodyWaiting() throws Exception {
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            hog("ms=4000 how=preempt");
            for (int attempt = 0; attempt < 3; attempt++) {
                Reply no = session.send("commit " + name);
                assertThat(no.error()).as(no.message()).isEqualTo("late");
                assertThat(no.message()).isEqualTo("a CPU did not come to rest");
                assertThat(no.late().orElseThrow().cpu()).isEqualTo(1);
                assertThat(no.late().orElseThrow().command()).isEqualTo("kmolt_hog");
                // Nobody stood still for it.
                assertThat(no.number("pause_ns")).isZero();
                assertThat(guest().current("minix")).isEqualTo("base");
            }
            guest().sh("rmmod kmolt_hog");
            Attempts.Outcome outcome = Attempts.run(session, "commit " + name, Limits.DEFAULT.timeout(), Progress.NONE);
            assertThat(outcome.reply().isOk()).as(outcome.reply().message()).isTrue();
            assertThat(guest().current("minix")).isEqualTo(name);
        }
    }

    /** Kernel threads are created by a task that is as ordinary as any other. */
    @Test
    void evenIfTheKernelsThreadCreatorWaitsOnThatCpu() throws Exception {
        String creator = "$(pidof kthreadd)";
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            guest().sh("/usr/bin/taskset -p 2 " + creator);
            hog("ms=20000 how=preempt");
            Reply no = session.send("commit " + name);
            assertThat(no.error()).as(no.message()).isEqualTo("late");
            assertThat(no.late().orElseThrow().command()).isEqualTo("kmolt_hog");
            assertThat(guest().current("minix")).isEqualTo("base");
        } finally {
            guest().sh("rmmod kmolt_hog; /usr/bin/taskset -p 3 " + creator);
        }
    }

    /** While the kernel takes a CPU away, and its own thread there does not get its turn, no CPU may be counted on. */
    @Test
    void aCpuThatDoesNotGetToGoOfflineKeepsNobodyWaitingAndIsAsGoodAsBeforeWhenItIsBack() throws Exception {
        String online = "/sys/devices/system/cpu/cpu1/online";
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            // Without ksoftirqd, RCU would not even let it begin.
            guest().sh("""
                    echo -1 >/proc/sys/kernel/sched_rt_runtime_us; /usr/bin/chrt -f -p 20 $(pidof ksoftirqd/1)
                    /usr/bin/chrt -f 10 taskset 2 sh -c 'echo $$ >/run/busy; while :; do :; done' >/dev/null 2>&1 </dev/null &
                    until [ -s /run/busy ]; do sleep 0.1; done
                    { echo 0 >%s; touch /run/offline; } >/dev/null 2>&1 </dev/null &
                    """.formatted(online));
            Reply no = session.send("check " + name);
            for (int attempt = 0; attempt < 500 && !no.isKeptByHotplug(); attempt++) {
                no = session.send("check " + name);
            }
            assertThat(no.error()).as(no.message()).isEqualTo("late");
            assertThat(no.message()).isEqualTo("a CPU is coming or going");
            guest().sh(
                            "kill $(cat /run/busy); until [ -e /run/offline ]; do sleep 0.1; done; rm /run/offline /run/busy;"
                                    + " echo 950000 >/proc/sys/kernel/sched_rt_runtime_us; /usr/bin/chrt -o -p 0 $(pidof ksoftirqd/1)");
            assertThat(guest().sh("cat /sys/devices/system/cpu/online")).isEqualTo("0");
            insists(session, "check " + name);
            guest().sh("echo 1 >" + online);
            insists(session, "check " + name);

            hog("ms=60000 how=preempt");
            no = session.send("commit " + name);
            assertThat(no.late().orElseThrow().cpu()).isEqualTo(1);
            // Its thread is where it belongs, and nobody stands still for it.
            assertThat(no.number("pause_ns")).isZero();
            assertThat(guest().sh("taskset -p $(pidof kmolt_stop/1)")).endsWith(": 2");
            guest().sh("rmmod kmolt_hog");
        }
    }

    /** It lets a more important thread in for a moment, so that all CPUs are on their way already when it shows. */
    @Test
    void aCpuThatIsLostWhileTheOthersStandStillKeepsThemNoLongerThanIsAllowed() throws Exception {
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            hog("ms=40 bursts=1000 how=preempt");
            List<Long> pauses = new ArrayList<>();
            for (int attempt = 0; attempt < 100; attempt++) {
                Reply reply = session.send("check " + name + " 1000");
                assertThat(reply.isOk() || reply.error().equals("late"))
                        .as(reply.message())
                        .isTrue();
                if (reply.late().isPresent() && reply.number("pause_ns") > 0) {
                    assertThat(reply.late().orElseThrow().cpu()).isEqualTo(1);
                    pauses.add(reply.number("pause_ns"));
                }
            }
            // Mostly just over the millisecond; the emulator lets one CPU run after the other, and may be late itself.
            assertThat(pauses).hasSizeGreaterThan(10).allMatch(pause -> pause >= 1_000_000);
            Collections.sort(pauses);
            assertThat(pauses.get(pauses.size() / 2)).isLessThan(10_000_000);
            guest().sh("rmmod kmolt_hog");
            Attempts.Outcome outcome = Attempts.run(session, "commit " + name, Limits.DEFAULT.timeout(), Progress.NONE);
            assertThat(outcome.reply().isOk()).as(outcome.reply().message()).isTrue();
        }
    }

    /**
     * Nearly everything that a kernel does sends messages to all CPUs in the end, starting a process included. So one shell
     * on the other CPU does it all, and starts nothing meanwhile.
     */
    @Test
    void evenWithItsInterruptsOff() throws Exception {
        Update update = save();
        guest().target().writeFile("/tmp/update.ko", update.image());
        String say =
                "say() { echo $1 >&3; while read -r l <&3; do echo \"$l\"; case $l in ok|error*) break;; esac; done; };";
        String replies = guest().sh("taskset 1 sh -c '" + say + " exec 3<>/dev/kmolt; insmod /tmp/update.ko;"
                + " say \"stage " + update.name() + "\"; insmod " + Fixtures.editions("kmolt_hog")
                + " cpu=1 ms=4000 after=1000 how=irqs; state=/sys/kernel/kmolt/modules/minix/current;"
                + " hogged() { read -r up idle </proc/uptime; [ ${up%.*} -ge $until ]; };"
                + " read -r up idle </proc/uptime; until=$((${up%.*} + 3)); while ! hogged; do :; done;"
                + " say \"commit " + update.name()
                + "\"; read -r now <$state; echo $now; read -r up idle </proc/uptime;"
                + " echo after $((${up%.*} - until)) s' ");
        assertThat(replies)
                .startsWith("ok\npause_ns 0\n")
                .contains("\nlate 1 ")
                .contains("\nerror late: a CPU did not come to rest\nbase\nafter ")
                .containsPattern("after [01] s$");
    }

    /** What was prepared cannot be taken back before that CPU rests; nobody waits for it, and nobody comes in between. */
    @Test
    void aSwapThatGivesUpDoesSoInTimeNamesTheCpuAndTheTaskAndSucceedsAfterwards() throws Exception {
        // The kernel would say that this is no way to behave.
        guest().sh("echo 0 >/proc/sys/kernel/watchdog; echo 1 >" + SUPPRESS);
        hog("ms=120000 how=preempt");
        SwapException no = tryForASecond();
        assertThat(no).isNotNull();
        assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no)
                .hasMessageContaining("gave up after 1 s: CPU 1 does not come to rest: kmolt_hog (pid ")
                .hasMessageEndingWith("nothing has changed");
        assertThat(no.late().orElseThrow().cpu()).isEqualTo(1);
        assertThat(guest().current("minix")).isEqualTo("base");

        SwapException notYet = tryForASecond();
        assertThat(notYet).isNotNull();
        assertThat(notYet.kind()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(notYet)
                .hasMessageMatching(
                        "another kmolt is at work on .*: pid \\d+ \\(.*\\), whose work is being taken back");
        // It still computes: nobody has waited for its end.
        assertThat(guest().sh("cat /sys/kernel/kmolt/owner")).endsWith(" closing");

        guest().sh("rmmod kmolt_hog; echo 0 >" + SUPPRESS + "; echo 1 >/proc/sys/kernel/watchdog");
        guest().awaitNoOwner();
        assertThat(guest().modules("minix")).containsExactly("minix");
        guest().swap("minix", SwapGuest.fixture("minix", "a"));
    }

    private static SwapException tryForASecond() {
        SwapOptions options = SwapGuest.options(Duration.ofSeconds(1));
        return catchThrowableOfType(
                SwapException.class,
                () -> Swap.run(guest().target(), "minix", SwapGuest.fixture("minix", "a"), options, Progress.NONE));
    }

    @Test
    void whoComputesButLetsItselfBePreemptedKeepsNobodyWaiting() throws Exception {
        hog("ms=20000 how=nothing");
        guest().swap("minix", SwapGuest.fixture("minix", "a"));
        guest().revert("minix");
    }

    @Test
    void aPauseThatWouldTakeLongerThanAllowedIsGivenUpBeforeAnythingHasChanged() throws Exception {
        // Some thousand stacks cannot be looked at in the shortest time that may be asked for.
        guest().sh("for i in $(seq 400); do sleep 1000 & done; echo $(jobs -p) >/run/sleepers");
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            Reply no = session.send("commit " + name + " 100");
            assertThat(no.error()).as(no.message()).isEqualTo("late");
            assertThat(no.message()).isEqualTo("the pause would have been longer than allowed");
            assertThat(no.late()).isEmpty();
            assertThat(guest().current("minix")).isEqualTo("base");
            for (String pause : new String[] {"99", "1000001", "-1", "much", "1 1"}) {
                assertThat(session.send("commit " + name + " " + pause).error())
                        .as(pause)
                        .isEqualTo("usage");
            }
            Reply yes = Attempts.run(session, "commit " + name, Limits.DEFAULT.timeout(), Progress.NONE)
                    .reply();
            assertThat(yes.isOk()).as(yes.message()).isTrue();
            assertThat(yes.number("pause_ns")).isPositive();
        } finally {
            guest().sh("kill $(cat /run/sleepers)");
        }
    }

    @Test
    void cpusMayComeAndGoMeanwhile() throws Exception {
        guest().sh("(while [ ! -e /run/enough ]; do echo 0 >/sys/devices/system/cpu/cpu1/online;"
                + " echo 1 >/sys/devices/system/cpu/cpu1/online; echo x >>/run/rounds; done) >/dev/null 2>&1 &");
        for (int round = 0; round < 5; round++) {
            guest().swap("minix", SwapGuest.fixture("minix", round % 2 == 0 ? "a" : "b"));
            guest().revert("minix");
        }
        guest().sh("touch /run/enough; sleep 1; echo 1 >/sys/devices/system/cpu/cpu1/online 2>/dev/null; true");
        assertThat(Integer.parseInt(guest().sh("wc -l </run/rounds"))).isGreaterThan(3);
        assertThat(guest().sh("cat /sys/devices/system/cpu/online")).isEqualTo("0-1");
    }

    /** As a hypervisor does that migrates a machine, or runs short of time. */
    @Test
    void aMachineThatStandsStillForHalfAMinuteAmidACommitGoesOnAsIfNothingHadHappened() throws Exception {
        try (CoreSession session = CoreSession.open(guest().target())) {
            String name = stage(session);
            long qemu = guest().guest().pid();
            CompletableFuture<Integer> changes = CompletableFuture.supplyAsync(() -> changes(session, name));
            freeze(qemu, 30);
            for (int i = 0; i < 10; i++) {
                Thread.sleep(173);
                freeze(qemu, 1);
            }
            assertThat(changes.get(3, TimeUnit.MINUTES)).isEqualTo(200);
            Reply yes = Attempts.run(session, "commit " + name, Limits.DEFAULT.timeout(), Progress.NONE)
                    .reply();
            assertThat(yes.isOk()).as(yes.message()).isTrue();
        }
        assertThat(guest().sh("stat -c %n /proc/self")).isEqualTo("/proc/self");
    }

    /** The hypervisor's own way: the machine's clocks stand still, too. */
    @Test
    void aMachineThatIsPausedByItsHypervisorAmidACommitGoesOnAsIfNothingHadHappened() throws Exception {
        try (CoreSession session = CoreSession.open(guest().target());
                Monitor monitor = Monitor.of(guest().guest())) {
            String name = stage(session);
            CompletableFuture<Integer> changes = CompletableFuture.supplyAsync(() -> changes(session, name));
            pause(monitor, 30);
            for (int i = 0; i < 10; i++) {
                Thread.sleep(173);
                pause(monitor, 1);
            }
            assertThat(changes.get(3, TimeUnit.MINUTES)).isEqualTo(200);
            Reply yes = Attempts.run(session, "commit " + name, Limits.DEFAULT.timeout(), Progress.NONE)
                    .reply();
            assertThat(yes.isOk()).as(yes.message()).isTrue();
        }
        assertThat(guest().sh("stat -c %n /proc/self")).isEqualTo("/proc/self");
    }

    private static void pause(Monitor monitor, int seconds) throws Exception {
        monitor.execute("stop");
        assertThat(monitor.execute("query-status").path("status").stringValue()).isEqualTo("paused");
        Thread.sleep(seconds * 1000L);
        monitor.execute("cont");
    }

    /** Commits and reverts, over and over; how often all CPUs were stopped for it. */
    private static int changes(CoreSession session, String name) {
        int stopped = 0;
        try {
            for (int i = 0; i < 100; i++) {
                stopped += insists(session, "commit " + name);
                assertThat(guest().current("minix")).isEqualTo(name);
                stopped += insists(session, "revert minix");
                assertThat(guest().current("minix")).isEqualTo("base");
                assertThat(session.send("stage " + name).isOk()).isTrue();
            }
            return stopped;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Until it succeeds; a machine that stood still meanwhile is late, and some code hides who called it. */
    private static int insists(CoreSession session, String command) throws IOException {
        for (int attempt = 0; attempt < 100; attempt++) {
            Reply reply = session.send(command + " 1000000");
            if (reply.isOk()) {
                return 1;
            }
            if (reply.error().equals("blocked")) {
                assertThat(reply.blockers()).extracting(Blocker::where).containsOnly(UNREADABLE);
            } else {
                assertThat(reply.error()).as(reply.message()).isEqualTo("late");
            }
        }
        throw new AssertionError(command + " is always late");
    }

    private static void freeze(long pid, int seconds) throws Exception {
        signal(pid, "STOP");
        try {
            Thread.sleep(seconds * 1000L);
        } finally {
            signal(pid, "CONT");
        }
    }

    private static void signal(long pid, String signal) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, "" + pid).start().waitFor())
                .isZero();
    }

    @Test
    void aLimitThatTheCoreWouldNotTakeIsNoLimit() {
        assertThat(catchThrowableOfType(
                        IllegalArgumentException.class, () -> new Limits(Duration.ofSeconds(1), Duration.ofSeconds(2))))
                .hasMessageContaining("PT2S");
    }
}
