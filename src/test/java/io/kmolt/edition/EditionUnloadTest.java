package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.lab.Fixtures;
import io.kmolt.swap.Core;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.LoadRun;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapGuest;
import io.kmolt.target.CommandResult;
import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How editions, their routes and the modules that they are for go: in any order, and never while somebody is inside. */
@Tag("lab")
class EditionUnloadTest {
    private static final int ROUNDS = Integer.getInteger("kmolt.loads", 60);
    /** Putting routes in force takes some seconds, most of which the kernel waits. */
    private static final int ROUTED_EVERY = 20;
    /** What the kernel's own memory may differ by, before and after; a leak of one page a round is more. */
    private static final long NOISE_KILOBYTES = 700;

    private static final String TWIN = "kmolt_twins:kmolt_twin,1";
    private static final String TWINS = "cd /proc/kmolt_twins && cat one two";
    private static final String ORIGINALS = "one 101\ntwo 102";
    private static final String GET_SIZE = "stat -c %o /mnt/minix/.";

    @TempDir
    private static Path folder = Path.of("");

    private static @Nullable BusyGuest guest;
    private static Path pipes = Path.of("");
    private static Path namesakes = Path.of("");
    private static Path blocks = Path.of("");

    @BeforeAll
    static void boot() throws Exception {
        guest = BusyGuest.boot("");
        pipes = BusyGuest.build("pipes", folder);
        namesakes = BusyGuest.build("namesakes", folder);
        blocks = BusyGuest.build("blocks", folder);
        guest().sh("insmod " + Fixtures.editions("kmolt_twins") + "; modprobe -a minix loop; mkdir -p /mnt/minix;"
                + " truncate -s 8M /dev/shm/minix; /sbin/mkfs.minix -3 /dev/shm/minix");
        Core.load(guest().target(), BusyGuest.RELEASE);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        guest().clear();
        guest().assertNothingLeft();
        assertThat(guest().sh(TWINS)).isEqualTo(ORIGINALS);
    }

    private static BusyGuest guest() {
        return Objects.requireNonNull(guest);
    }

    // Again and again.

    @Test
    void manyLoadsAndUnloadsUnderLoadLeaveNothing() throws Exception {
        try (LoadRun load = guest().pipeLoad()) {
            EditionFile file = EditionFile.read(pipes);
            EditionUpdate update = EditionLinker.link(
                    file,
                    Symbols.ask(
                            guest().target(),
                            file,
                            Core.fitting(guest().target(), BusyGuest.RELEASE, CoreState.ask(guest().target()))),
                    Prototypes.unknown(""));
            guest().load(pipes);
            try (HeldSession held = HeldSession.open(guest(), "pipes")) {
                held.unload();
                List<Long> before = memory();
                long begin = System.nanoTime();
                for (int round = 0; round < ROUNDS; round++) {
                    LoadEditions.insert(guest().target(), held.session(), update.module(), update.image());
                    if (round % ROUTED_EVERY == 0) {
                        held.route("1");
                        assertThat(guest().sh("echo through | cat; cat /sys/kernel/kmolt/editions/pipes/*/1/hits"))
                                .as("round %d", round)
                                .matches("through\n[1-9][0-9]*\n[1-9][0-9]*");
                        held.route("0");
                    }
                    held.unload();
                    assertThat(guest().users()).isEmpty();
                }
                System.out.printf("%d loads and unloads in %.1f s%n", ROUNDS, (System.nanoTime() - begin) / 1e9);
                List<Long> after = memory();
                System.out.println("kilobytes of SUnreclaim, VmallocUsed, Percpu: " + before + ", then " + after);
                for (int i = 0; i < after.size(); i++) {
                    assertThat(after.get(i) - before.get(i)).isLessThan(NOISE_KILOBYTES);
                }
            }
            load.goesOn();
            load.finish();
        }
    }

    private static List<Long> memory() throws IOException {
        return guest().sh(
                        "sync; echo 3 >/proc/sys/vm/drop_caches;"
                                + " for name in SUnreclaim VmallocUsed Percpu; do sed -n \"s/^$name: *\\([0-9]*\\) kB/\\1/p\" /proc/meminfo; done")
                .lines()
                .map(Long::valueOf)
                .toList();
    }

    // Somebody is inside.

    @Test
    void aTaskAsleepInAnEditionIsNamedAndTheRoutesStandUntilItHasLeft() throws Exception {
        guest().load(pipes);
        guest().route("pipe_read", "1", "pipe_write", "uid == 0 ? 1 : 0");
        guest().sh(
                        SwapGuest.program("sleep-in")
                                + " pipe napper >/run/sleeper 2>&1 </dev/null & echo $! >/run/sleeper.pid;"
                                + " for i in $(seq 100); do grep -q ^sleeping /run/sleeper && exit; sleep 0.1; done; cat /run/sleeper; exit 1");
        int sleeping = Integer.parseInt(guest().sh("sed -n 's/^sleeping pid=.* tid=//p' /run/sleeper"));

        SwapException no =
                catchThrowableOfType(SwapException.class, () -> guest().unload("pipes", Duration.ofSeconds(2)));
        assertThat(no).isNotNull();
        assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no).hasMessage("gave up after 2 s: tasks are inside editions of pipes; nothing has changed");
        assertThat(no.blockers()).singleElement().satisfies(blocker -> {
            assertThat(blocker.pid()).isEqualTo(sleeping);
            assertThat(blocker.command()).isEqualTo("napper");
            assertThat(blocker.where()).matches("counted_read\\+0x\\w+/0x\\w+ \\[kmolt_pipes]");
            assertThat(blocker.stack())
                    .anyMatch(frame -> frame.startsWith("pipe_read+"))
                    .anyMatch(frame -> frame.startsWith("vfs_read+"));
        });

        // The routes are those of before, the editions answer, and what they have counted is still there.
        assertThat(guest().function("pipes", "pipe_read").route()).isEqualTo("1");
        assertThat(guest().function("pipes", "pipe_write").route()).isEqualTo("uid == 0 ? 1 : 0");
        assertThat(guest().users().lines()).hasSize(2);
        assertThatTheyAnswer();
        guest().sh("kill -TERM $(cat /run/sleeper.pid);"
                + " for i in $(seq 100); do grep -q ^woke /run/sleeper && exit; sleep 0.1; done; exit 1");
        assertThat(guest().sh("cat /run/sleeper")).endsWith("woke result=1");
        assertThat(guest().unload("pipes").attempts()).isEqualTo(1);
        assertThat(guest().isLoaded("kmolt_pipes")).isFalse();
    }

    private static void assertThatTheyAnswer() throws Exception {
        long read = guest().number("pipes", "bytes_read");
        long written = guest().number("pipes", "bytes_written");
        assertThat(guest().sh("echo 1234567 | cat")).isEqualTo("1234567");
        assertThat(guest().number("pipes", "bytes_read")).isGreaterThanOrEqualTo(read + 8);
        assertThat(guest().number("pipes", "bytes_written")).isGreaterThanOrEqualTo(written + 8);
    }

    @Test
    void whatIsInForceCannotBeUnloadedByHand() throws Exception {
        guest().load(pipes);
        assertInUse("kmolt_pipes", "kmolt");
        guest().route("pipe_read", "1");
        String routes = guest().editions("pipes").routes();
        assertInUse(routes, "kmolt_pipes", "kmolt");
        guest().route("pipe_write", "1");
        assertThat(guest().isLoaded(routes)).isFalse();
        assertInUse(guest().editions("pipes").routes(), "kmolt_pipes", "kmolt");
        assertThatTheyAnswer();
        guest().unload("pipes");
        guest().target().removeModule("kmolt");
        assertThat(guest().isLoaded("kmolt")).isFalse();
        Core.load(guest().target(), BusyGuest.RELEASE);
    }

    private static void assertInUse(String... modules) throws Exception {
        for (String module : modules) {
            assertThatThrownBy(() -> guest().target().removeModule(module))
                    .as(module)
                    .isInstanceOf(ModuleUnloadException.class)
                    .hasMessageContaining(module);
            assertThat(guest().isLoaded(module)).isTrue();
        }
    }

    // The function's own module goes.

    @Test
    void aModuleGoesWhileItsFunctionsAreRoutedAndTheOthersStayRouted() throws Exception {
        long gone = guest().guest().logged("kmolt: namesakes: " + TWIN + " is gone with its module");
        guest().load(namesakes);
        guest().route(TWIN, "1", "kmolt_twins:kmolt_twin,2", "1", "cmdline_proc_show", "1");
        assertThat(guest().sh(TWINS)).isEqualTo("one 1101\ntwo 2102");
        guest().sh("rmmod kmolt_twins");
        assertThat(guest().function("namesakes", TWIN).state()).isEqualTo("gone");
        assertThat(guest().guest().logged("kmolt: namesakes: " + TWIN + " is gone with its module"))
                .isEqualTo(gone + 1);
        assertThat(guest().sh("cat /proc/cmdline")).isEqualTo("no command line");
        assertThatThrownBy(() -> guest().route(TWIN, "1"))
                .isInstanceOf(SwapException.class)
                .hasMessage(TWIN + " is gone: its module was unloaded");
        guest().route("cmdline_proc_show", "uid == 1000 ? 1 : 0");
        assertThat(guest().sh("cat /proc/cmdline")).contains("tsc");
        assertThat(guest().sh("/usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups cat /proc/cmdline"))
                .isEqualTo("no command line");

        // Loaded again it is another one, for which the update was not linked.
        guest().sh("insmod " + Fixtures.editions("kmolt_twins"));
        assertThat(guest().sh(TWINS)).isEqualTo(ORIGINALS);
        assertThat(guest().function("namesakes", TWIN).state()).isEqualTo("gone");
        guest().unload("namesakes");
        assertThat(guest().sh("cat /proc/cmdline")).contains("tsc");
        loadAgain();
    }

    /** Into a guest where the twins are loaded, and no editions. */
    private static void loadAgain() throws Exception {
        guest().load(namesakes);
        guest().route(TWIN, "1");
        assertThat(guest().sh(TWINS)).isEqualTo("one 1101\ntwo 102");
        guest().unload("namesakes");
        assertThat(guest().sh(TWINS)).isEqualTo(ORIGINALS);
    }

    @Test
    void aModuleGoesWhileItsFunctionsAreNotRouted() throws Exception {
        guest().load(namesakes);
        guest().sh("rmmod kmolt_twins");
        assertThat(guest().function("namesakes", TWIN).state()).isEqualTo("gone");
        guest().unload("namesakes");
        guest().assertNothingLeft();
        guest().sh("insmod " + Fixtures.editions("kmolt_twins"));
        loadAgain();
    }

    @Test
    void aModuleGoesAndComesWhileItsFunctionsAreCalledAllTheTime() throws Exception {
        guest().sh(
                        "touch /run/hammer; for n in 1 2; do { while [ -e /run/hammer ]; do"
                                + " cat /proc/kmolt_twins/one /proc/kmolt_twins/two 2>/dev/null; done | sort | uniq -c >/run/heard$n & }; done");
        for (int round = 0; round < 2; round++) {
            guest().load(namesakes);
            guest().route(TWIN, "1", "kmolt_twins:kmolt_twin,2", "tgid & 1");
            guest().sh(
                            "for i in $(seq 200); do rmmod kmolt_twins 2>/dev/null && break; done; ! test -e /sys/module/kmolt_twins");
            if (round % 2 == 0) {
                guest().unload("namesakes");
                guest().sh("insmod " + Fixtures.editions("kmolt_twins"));
            } else {
                guest().sh("insmod " + Fixtures.editions("kmolt_twins"));
                guest().unload("namesakes");
            }
        }
        guest().sh("rm /run/hammer; sleep 1");
        String heard = guest().sh("cat /run/heard1 /run/heard2 | sed 's/^ *[0-9]* //' | sort -u");
        assertThat(heard.lines()).containsExactlyInAnyOrder("one 101", "one 1101", "two 102", "two 2102");
    }

    @Test
    void aModuleInUseStaysAndGoesWhenItIsFree() throws Exception {
        String mount = "/bin/mount -t minix -o loop /dev/shm/minix /mnt/minix";
        guest().sh(mount);
        int size = Integer.parseInt(guest().sh(GET_SIZE));
        guest().load(blocks);
        guest().route("minix:minix_getattr", "1");
        assertThat(guest().sh(GET_SIZE)).isEqualTo("" + 8 * size);
        assertInUse("minix");
        assertThat(guest().sh(GET_SIZE)).isEqualTo("" + 8 * size);
        guest().sh("/bin/umount /mnt/minix; rmmod minix");
        guest().unload("blocks");
        guest().assertNothingLeft();

        guest().sh("modprobe minix; " + mount);
        assertThat(guest().sh(GET_SIZE)).isEqualTo("" + size);
        guest().load(blocks);
        guest().route("minix:minix_getattr", "1");
        assertThat(guest().sh(GET_SIZE)).isEqualTo("" + 8 * size);
        guest().unload("blocks");
        assertThat(guest().sh(GET_SIZE)).isEqualTo("" + size);
        guest().sh("/bin/umount /mnt/minix");
    }

    // The tool dies.

    @Test
    void routesOfAToolThatDiesAreGoneUnlessTheyWereInForce() throws Exception {
        guest().load(pipes);
        guest().route("pipe_read", "1", "pipe_write", "1");
        String inForce = guest().editions("pipes").routes();
        CapturingTarget captured = CapturingTarget.captureRoutes(guest().target(), "pipe_read", "0");
        assertThat(captured.name()).startsWith("kmolt_pipes_r").isNotEqualTo(inForce);
        guest().target().writeFile("/tmp/routes.ko", captured.image());

        CommandResult killed = guest().guest()
                .attempt("exec 3<>/dev/kmolt; insmod /tmp/routes.ko || exit 1;"
                        + " cat /sys/module/%s/refcnt; cat /sys/kernel/kmolt/owner; kill -9 $$"
                                .formatted(captured.name()));
        assertThat(killed.status()).as(killed.stderr()).isEqualTo(128 + 9);
        assertThat(killed.stdout()).containsPattern("^[1-9]\n[1-9][0-9]* ");
        assertThat(guest().sh("cat /sys/kernel/kmolt/owner")).isEqualTo("none");
        assertThat(guest().isLoaded(captured.name())).isFalse();
        assertThat(guest().editions("pipes").routes()).isEqualTo(inForce);
        assertThatTheyAnswer();

        killed = guest().guest()
                .attempt("exec 3<>/dev/kmolt; insmod /tmp/routes.ko || exit 1; echo route %s >&3; cat <&3; kill -9 $$"
                        .formatted(captured.name()));
        assertThat(killed.status()).as(killed.stderr()).isEqualTo(128 + 9);
        assertThat(killed.stdout()).isEqualTo("retired " + inForce + "\nok\n");
        assertThat(guest().editions("pipes").routes()).isEqualTo(captured.name());
        assertThat(guest().function("pipes", "pipe_read").state()).isEqualTo("original");
        // What nobody unloaded leaves with the next routes.
        assertThat(guest().isLoaded(inForce)).isTrue();
        guest().route("pipe_read", "1");
        assertThat(guest().isLoaded(inForce)).isFalse();
        assertThat(guest().isLoaded(captured.name())).isFalse();
        assertThatTheyAnswer();
    }

    @Test
    void routesThatNobodyOwnsAreNotLetIn() throws Exception {
        guest().load(pipes);
        CapturingTarget captured = CapturingTarget.captureRoutes(guest().target(), "pipe_read", "1");
        try (Target target = guest().guest().guest().openShell()) {
            assertThatThrownBy(() -> target.insertModule(captured.image(), captured.name(), ""))
                    .hasMessageContaining("nobody holds /dev/kmolt");
        }
        assertThat(guest().isLoaded(captured.name())).isFalse();
        // And neither are those that came too late.
        guest().route("pipe_write", "1");
        guest().route("pipe_write", "0", "pipe_read", "1");
        String inForce = guest().editions("pipes").routes();
        assertThat(inForce).isNotEqualTo(captured.name());
        try (HeldSession held = HeldSession.open(guest(), "pipes")) {
            assertThatThrownBy(() -> LoadEditions.insert(guest().target(), held.session(), "late", captured.image()))
                    .isInstanceOf(EditionException.class)
                    .hasMessageContaining("it was made for other editions or routes than those of pipes now");
        }
        assertThat(guest().editions("pipes").routes()).isEqualTo(inForce);
        assertThatTheyAnswerForReads();
    }

    private static void assertThatTheyAnswerForReads() throws Exception {
        long read = guest().number("pipes", "bytes_read");
        assertThat(guest().sh("echo 1234567 | cat")).isEqualTo("1234567");
        assertThat(guest().number("pipes", "bytes_read")).isGreaterThanOrEqualTo(read + 8);
    }
}
