package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.lab.Fixtures;
import io.kmolt.route.RouteException;
import io.kmolt.swap.LoadRun;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who answers is what the route says, call by call, while pipes are busy all the time. */
@Tag("lab")
class EditionRoutingTest {
    private static final String COST = "kmolt_cost:kmolt_cost_target";
    /** A read of /proc/kmolt_cost calls a thousand times to warm up, and a thousand times to measure. */
    private static final int CALLS = 2000;

    private static final int EUCLEAN = 117;
    private static final int ENOTUNIQ = 76;
    private static final int EBADF = 9;
    private static final int EEXIST = 17;

    @TempDir
    private static Path folder = Path.of("");

    private static @Nullable BusyGuest guest;
    private static @Nullable LoadRun load;

    @BeforeAll
    static void boot() throws Exception {
        guest = BusyGuest.boot("");
        guest().sh("insmod " + Fixtures.editions("kmolt_cost") + "; insmod " + Fixtures.editions("kmolt_twins")
                + "; modprobe -a minix loop; mkdir -p /mnt/minix; truncate -s 8M /dev/shm/minix;"
                + " /sbin/mkfs.minix -3 /dev/shm/minix && /bin/mount -t minix -o loop /dev/shm/minix /mnt/minix"
                + " && echo small >/mnt/minix/file && printf 'hello, world' >/run/text");
        load = guest().pipeLoad();
    }

    @AfterAll
    static void stop() throws Exception {
        try (BusyGuest booted = guest();
                LoadRun running = Objects.requireNonNull(load)) {
            running.finish();
            booted.guest().assertQuiet();
        }
    }

    @AfterEach
    void nothingIsLeftAndTheLoadGoesOn() throws Exception {
        guest().clear();
        Objects.requireNonNull(load).goesOn();
        guest().assertNothingLeft();
    }

    private static BusyGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path built(String name) throws Exception {
        Path file = folder.resolve(name + ".ko");
        return Files.exists(file) ? file : BusyGuest.build(name, folder);
    }

    /** What a script prints that another user runs. */
    private static String as(int uid, String script) throws IOException {
        return guest().sh("/usr/bin/setpriv --reuid=%d --regid=%d --clear-groups %s".formatted(uid, uid, script));
    }

    // Ten editions.

    /** What a call returns, by who answers. */
    private static String sum(int number) {
        return "sum=" + 1000 * (3 + 1000 * number);
    }

    private static long[] costHits() throws IOException {
        return guest().function("ten", COST).hits().values().stream()
                .mapToLong(Long::longValue)
                .toArray();
    }

    @Test
    void aSwitchChoosesAmongTenEditionsAndEveryCallIsCountedWhereItWent() throws Exception {
        guest().load(built("ten"));
        guest().route(COST, "switch(\"which\")");
        long[] expected = new long[11];
        assertThat(costHits()).containsExactly(expected);
        for (int which : new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 256 + 3, -1, 7, 7, 10, 0}) {
            guest().set("which", which);
            // What no edition has as its number goes to the original, also if its low bits are one's number.
            int answers = which >= 1 && which <= 10 ? which : 0;
            assertThat(guest().sh("cat /proc/kmolt_cost"))
                    .as("switch %d", which)
                    .endsWith(" " + sum(answers));
            expected[answers] += CALLS;
            assertThat(costHits()).as("after switch %d", which).containsExactly(expected);
        }
        // The editions have counted for themselves.
        assertThat(guest().variable("ten", "calls"))
                .isEqualTo(IntStream.rangeClosed(1, 10)
                        .mapToObj(i -> "" + expected[i])
                        .collect(Collectors.joining(" ")));
        // And are not called any more once nothing is routed.
        guest().route(COST, "0");
        assertThat(guest().sh("cat /proc/kmolt_cost")).endsWith(" " + sum(0));
        assertThat(costHits()).containsExactly(expected);
        assertThat(guest().function("ten", COST).state()).isEqualTo("original");
    }

    @Test
    void numbersAreComputedFromWhoCallsAndWhere() throws Exception {
        guest().load(built("ten"));
        guest().route(COST, "uid - 1000");
        for (int number = 0; number <= 11; number++) {
            assertThat(as(1000 + number, "cat /proc/kmolt_cost"))
                    .as("uid %d", 1000 + number)
                    .endsWith(" " + sum(number <= 10 ? number : 0));
        }
        guest().route(COST, "gid == 50 && uid != 50 ? (gid & 3) * 4 + 1 : 0");
        String grouped = "/usr/bin/setpriv --reuid=%d --regid=50 --clear-groups cat /proc/kmolt_cost";
        assertThat(guest().sh(grouped.formatted(49))).endsWith(" " + sum(9));
        assertThat(guest().sh(grouped.formatted(50))).endsWith(" " + sum(0));

        guest().route(COST, "cpu + 1 << 2 >> switch(\"shift\")");
        for (int cpu = 0; cpu < 2; cpu++) {
            assertThat(guest().sh("taskset %d cat /proc/kmolt_cost".formatted(1 << cpu)))
                    .as("cpu %d", cpu)
                    .endsWith(" " + sum(4 * (cpu + 1)));
        }
        guest().set("shift", 2);
        assertThat(guest().sh("taskset 2 cat /proc/kmolt_cost")).endsWith(" " + sum(2));
    }

    @Test
    void oneTaskIsLedElsewhere() throws Exception {
        guest().load(built("ten"));
        try (Target waiting = guest().guest().guest().openShell()) {
            String script =
                    "for n in 1 2; do { sh -c 'echo $$ >/run/pid'$n'; while [ ! -e /run/go ]; do sleep 0.1; done;"
                            + " exec cat /proc/kmolt_cost' >/run/out$n & }; done;"
                            + " while [ ! -s /run/pid1 ] || [ ! -s /run/pid2 ]; do sleep 0.1; done; cat /run/pid1";
            int pid = Integer.parseInt(
                    waiting.run(script, Target.DEFAULT_TIMEOUT).stdout().strip());
            guest().route(COST, "pid == %d && tgid == pid ? 6 : 2".formatted(pid));
            guest().sh("touch /run/go; while [ ! -s /run/out1 ] || [ ! -s /run/out2 ]; do sleep 0.1; done");
            assertThat(guest().sh("cat /run/out1")).endsWith(" " + sum(6));
            assertThat(guest().sh("cat /run/out2")).endsWith(" " + sum(2));
        }
    }

    // System calls.

    /** Makes one system call as a user; the result, or the error with a minus sign. */
    private static String call(int uid, String before, String arguments) throws IOException {
        return as(
                uid,
                "perl -e 'use POSIX; %s my $buf = \"x\" x 64; my $r = syscall(%s); print $r < 0 ? -$!-0 : $r'"
                        .formatted(before, arguments));
    }

    private static String read(int fd, String count) throws IOException {
        return call(
                1234,
                "my $f = POSIX::open(\"/run/text\", 0); POSIX::dup2($f, 77); POSIX::dup2($f, 78);",
                "0, %d, $buf, %s".formatted(fd, count));
    }

    @Tag("stock") // the debug kernel has ksys_lseek inlined
    @Test
    void theBodyOfASystemCallIsRoutedByUserAndByAnArgumentOfItsOwnWidth() throws Exception {
        guest().load(built("calls"));
        guest().route("ksys_read", "uid == 1234 && arg0 == 77 ? 1 : 0");
        assertThat(read(77, "64")).isEqualTo("-" + EUCLEAN);
        assertThat(read(78, "64")).isEqualTo("12");
        assertThat(guest().hits("calls", "ksys_read", 1)).isEqualTo(1);

        // An unsigned int, which is not -1.
        guest().route("ksys_read", "uid != 1234 ? 0 : arg0 == 4294967295 ? 1 : arg0 < 0 ? 2 : 0");
        assertThat(read(-1, "64")).isEqualTo("-" + EUCLEAN);
        assertThat(guest().hits("calls", "ksys_read", 1)).isEqualTo(2);
        assertThat(guest().hits("calls", "ksys_read", 2)).isZero();

        // A size_t has 64 bits.
        guest().route("ksys_read", "uid == 1234 && arg2 > 0x100000000 ? 2 : 0");
        assertThat(read(77, "(1 << 32) + 64")).isEqualTo("1");
        assertThat(read(77, "64")).isEqualTo("12");
        assertThat(guest().hits("calls", "ksys_read", 2)).isEqualTo(1);
        assertThat(read(-1, "64")).isEqualTo("-" + EBADF);
    }

    @Tag("stock") // the debug kernel has ksys_lseek inlined
    @Test
    void severalSystemCallsAreRoutedAtOnce() throws Exception {
        guest().load(built("calls"));
        guest().route(
                        "ksys_write",
                        "uid == 1234 && arg0 == 77 ? 1 : 0",
                        "ksys_lseek",
                        "uid != 1234 ? 0 : arg1 == 0x100000005 || arg1 < 0 && arg2 == 2 ? 1 : 0",
                        // An int that is negative, and a umode_t of 16 bits, which is 0640.
                        "do_sys_openat2",
                        "uid == 1236 && arg0 == -100 ? 1 : 0",
                        "do_mkdirat",
                        "uid == 1234 && arg2 == 0x1a0 ? 1 : 0");
        String open = "my $f = POSIX::open(\"/run/text\", 0); POSIX::dup2($f, 77);";
        assertThat(call(1234, open, "1, 77, $buf, 4")).isEqualTo("-" + ENOTUNIQ);
        assertThat(call(1234, open, "1, $f, $buf, 4")).isEqualTo("-" + EBADF);
        assertThat(call(1235, open, "1, 77, $buf, 4")).isEqualTo("-" + EBADF);

        assertThat(call(1234, open, "8, 77, (1 << 32) + 5, 0")).isEqualTo("4711");
        assertThat(call(1234, open, "8, 77, 5, 0")).isEqualTo("5");
        assertThat(call(1234, open, "8, 77, -2, 2")).isEqualTo("4711");
        assertThat(call(1234, open, "8, 77, -2, 1")).isEqualTo("-22");
        assertThat(call(1235, open, "8, 77, -2, 2")).isEqualTo("10");

        // Becomes the user late, as its own start opens files.
        String opens = "my $path = \"/run/text\"; POSIX::setuid(%d);";
        assertThat(call(0, opens.formatted(1236), "257, -100, $path, 0, 0")).isEqualTo("-" + ENOTUNIQ);
        assertThat(call(0, opens.formatted(1236), "257, -1, $path, 0, 0")).isEqualTo("3");
        assertThat(call(0, opens.formatted(1235), "257, -100, $path, 0, 0")).isEqualTo("3");
        assertThat(guest().hits("calls", "do_sys_openat2", 1)).isEqualTo(1);

        String there = "my $path = \"/run/text\";";
        assertThat(call(1234, there, "258, -100, $path, 0640")).isEqualTo("-" + ENOTUNIQ);
        assertThat(call(1234, there, "258, -100, $path, 0x50000 | 0640")).isEqualTo("-" + ENOTUNIQ);
        assertThat(call(1234, there, "258, -100, $path, 0600")).isEqualTo("-" + EEXIST);
        assertThat(call(1235, there, "258, -100, $path, 0640")).isEqualTo("-" + EEXIST);
        assertThat(guest().hits("calls", "do_mkdirat", 1)).isEqualTo(2);
        assertThat(guest().hits("calls", "ksys_lseek", 1)).isEqualTo(2);
        assertThat(guest().hits("calls", "ksys_write", 1)).isEqualTo(1);
    }

    // Two functions, and those of modules.

    @Test
    void bothEndsOfAllPipesSwitchOverTogetherAndBack() throws Exception {
        LoadRun running = Objects.requireNonNull(load);
        guest().load(built("pipes"));
        running.goesOn();
        assertThat(guest().number("pipes", "bytes_read")).isZero();

        guest().route("pipe_read", "1", "pipe_write", "1");
        running.goesOn();
        assertThat(guest().number("pipes", "bytes_read")).isPositive();
        assertThat(guest().number("pipes", "bytes_written")).isPositive();
        assertThat(guest().hits("pipes", "pipe_read", 1)).isPositive();
        assertThat(guest().hits("pipes", "pipe_write", 1)).isPositive();
        // Not one call went to an original.
        assertThat(guest().hits("pipes", "pipe_read", 0)).isZero();
        assertThat(guest().hits("pipes", "pipe_write", 0)).isZero();

        // One that is not named keeps its route.
        guest().route("pipe_write", "0");
        long writes = guest().hits("pipes", "pipe_write", 1);
        long reads = guest().hits("pipes", "pipe_read", 1);
        running.goesOn();
        assertThat(guest().hits("pipes", "pipe_write", 1)).isEqualTo(writes);
        assertThat(guest().hits("pipes", "pipe_read", 1)).isGreaterThan(reads);
        assertThat(guest().function("pipes", "pipe_read").route()).isEqualTo("1");
        assertThat(guest().function("pipes", "pipe_write").state()).isEqualTo("original");
    }

    @Test
    void functionsOfModulesAreRoutedAlsoThoseOfOneName() throws Exception {
        guest().load(built("namesakes"));
        assertThat(guest().editions("namesakes").functions())
                .extracting("label")
                .containsExactlyInAnyOrder("kmolt_twins:kmolt_twin,1", "kmolt_twins:kmolt_twin,2", "cmdline_proc_show");
        String twins = "cd /proc/kmolt_twins && cat one two";
        assertThat(guest().sh(twins)).isEqualTo("one 101\ntwo 102");
        assertThatThrownBy(() -> guest().route("kmolt_twin", "1"))
                .isInstanceOf(SwapException.class)
                .hasMessage("kmolt_twin may be any of these: kmolt_twins:kmolt_twin,1, kmolt_twins:kmolt_twin,2");

        guest().route("kmolt_twins:kmolt_twin,1", "1");
        assertThat(guest().sh(twins)).isEqualTo("one 1101\ntwo 102");
        guest().route("kmolt_twins:kmolt_twin,1", "0", "kmolt_twins:kmolt_twin,2", "1");
        assertThat(guest().sh(twins)).isEqualTo("one 101\ntwo 2102");
        guest().route("kmolt_twins:kmolt_twin,1", "uid ? 1 : 0");
        assertThat(guest().sh(twins)).isEqualTo("one 101\ntwo 2102");
        assertThat(as(1000, "cat /proc/kmolt_twins/one")).isEqualTo("one 1101");
        assertThat(guest().hits("namesakes", "kmolt_twins:kmolt_twin,1", 1)).isEqualTo(2);
        assertThat(guest().hits("namesakes", "kmolt_twins:kmolt_twin,2", 1)).isEqualTo(2);

        // This module has no types, so nothing is known of its arguments.
        assertThatThrownBy(() -> guest().route("kmolt_twins:kmolt_twin,1", "arg0 == 100"))
                .isInstanceOf(RouteException.class)
                .hasMessageContaining("column 1: ")
                .hasMessageContaining("arg0");
    }

    @Test
    void aFunctionOfAModuleOfTheDistributionIsRoutedByItsArguments() throws Exception {
        guest().load(built("blocks"));
        String stat = "stat -c %o /mnt/minix/file";
        String before = guest().sh(stat);
        int blocks = Integer.parseInt(before);
        // What stat(1) asks for: with -c %o not the size, with -c %s nothing else (include/uapi/linux/stat.h).
        guest().route("minix:minix_getattr", "arg3 & 0x200 ? 0 : 1");
        assertThat(guest().sh("/usr/bin/stat -c %o /mnt/minix/file")).isEqualTo("" + 8 * blocks);
        assertThat(guest().hits("blocks", "minix:minix_getattr", 1)).isEqualTo(1);
        assertThat(guest().sh("/usr/bin/stat -c %s /mnt/minix/file")).isEqualTo("6");
        assertThat(guest().hits("blocks", "minix:minix_getattr", 1)).isEqualTo(1);
        assertThat(guest().hits("blocks", "minix:minix_getattr", 0)).isEqualTo(1);
        guest().route("minix_getattr", "uid == 1000 ? 1 : 0");
        assertThat(guest().sh(stat)).isEqualTo(before);
        assertThat(as(1000, stat)).isEqualTo("" + 8 * blocks);
    }

    // Routes change, editions stay.

    @Test
    void aRouteChangesWithoutAReloadAndEditionsKeepTheirState() throws Exception {
        guest().load(built("meminfo"));
        String address = guest().sh("grep '^kmolt_meminfo ' /proc/modules");
        String function = "meminfo_proc_show";
        guest().route(function, "uid == 1000 ? 1 : 0");
        String first = guest().editions("meminfo").routes();
        assertThat(first).startsWith("kmolt_meminfo_r");
        assertThat(looks(1000)).isEqualTo("1");
        assertThat(looks(1000)).isEqualTo("2");
        assertThat(guest().sh("cat /proc/meminfo")).contains("SwapTotal:").doesNotContain("Looks:");

        guest().route(function, "uid == 1000 ? 2 : uid == 1001 ? 1 : 0");
        assertThat(guest().editions("meminfo").routes()).isNotEqualTo(first);
        assertThat(guest().isLoaded(first)).isFalse();
        assertThat(guest().function("meminfo", function).route()).isEqualTo("uid == 1000 ? 2 : uid == 1001 ? 1 : 0");
        assertThat(as(1000, "cat /proc/meminfo")).contains("SwapTotal:").endsWith("Kmolt:          edition 2");
        assertThat(looks(1001)).isEqualTo("3");

        guest().route(function, "0");
        assertThat(guest().editions("meminfo").routes()).isEqualTo("none");
        assertThat(as(1001, "cat /proc/meminfo")).doesNotContain("Looks:");
        guest().route(function, "1");
        assertThat(looks(0)).isEqualTo("4");
        assertThat(Arrays.asList(
                        guest().hits("meminfo", function, 0),
                        guest().hits("meminfo", function, 1),
                        guest().hits("meminfo", function, 2)))
                .containsExactly(1L, 4L, 1L);
        assertThat(guest().sh("grep '^kmolt_meminfo ' /proc/modules | cut -d' ' -f6"))
                .isEqualTo(address.split(" ")[5]);
    }

    private static String looks(int uid) throws IOException {
        return as(uid, "sed -n 's/^Looks: *//p' /proc/meminfo").replace(" kB", "");
    }
}
