package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.BtfKind;
import io.kmolt.diff.Refusal;
import io.kmolt.lab.Fixtures;
import io.kmolt.swap.AttachedUser.Effect;
import io.kmolt.swap.AttachedUser.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Perf events and BPF programs at functions of a module that is swapped: {@code attach} of tests/load counts calls with
 * each. The debug kernel's modules tell no types, which a BPF program on a trampoline needs.
 */
@Tag("lab")
@Tag("stock")
class AttachedProgramsTest {
    /** The distribution's 6.1 has neither IBT nor CONFIG_FPROBE. */
    private static final boolean OLDER = Fixtures.RUNNING.startsWith("6.1.");

    /** Where a probe of a function's entry is: with IBT the kernel moves it behind ENDBR. */
    private static final String ENTRY = OLDER ? "" : "+0x4";

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws IOException {
        guest = SwapGuest.boot("");
        guest().sh("""
                mkdir -p /mnt/minix /run/attached; modprobe -a minix loop
                truncate -s 8M /dev/shm/minix; /sbin/mkfs.minix -3 /dev/shm/minix >/dev/null
                """);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @BeforeEach
    void mount() throws IOException {
        guest().sh("mount -t minix -o loop /dev/shm/minix /mnt/minix");
    }

    @AfterEach
    void allGoAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("""
                for p in /run/attached/*.pid; do [ -e $p ] && kill $(cat $p) && rm $p; done
                umount /mnt/minix; while [ -s /sys/kernel/tracing/enabled_functions ]; do sleep 0.1; done
                rmmod minix; modprobe minix
                """);
        guest().assertQuiet();
    }

    /**
     * One of them.
     *
     * @param name what {@code attach} calls the way
     * @param function what it is attached to
     * @param user what is said of it
     */
    private record Program(String name, String function, AttachedUser user) {
        void start(String where) throws IOException {
            guest().sh("rm -f /run/attached/%1$s; %2$s %1$s %3$s /run/attached/%1$s 2>/run/attached/%1$s.err & p=$!\n"
                            .formatted(name, SwapGuest.program("attach"), where)
                    + """
                    while ! [ -e /run/attached/%1$s ]; do
                        kill -0 $p 2>/dev/null || { cat /run/attached/%1$s.err >&2; exit 1; }
                        sleep 0.1
                    done
                    echo $p >/run/attached/%1$s.pid
                    """.formatted(name));
        }

        long calls() throws IOException {
            return Long.parseLong(guest().sh("""
                    cd /run/attached; rm -f %1$s; kill -USR1 $(cat %1$s.pid)
                    while ! [ -e %1$s ]; do sleep 0.05; done; cat %1$s
                    """.formatted(name)));
        }

        /** Whether it sees the calls that a look at the file system brings. */
        boolean sees() throws IOException {
            long before = calls();
            guest().sh("stat /mnt/minix && ls -a /mnt/minix && df /mnt/minix && ! [ -e /mnt/minix/no.$$ ]");
            return calls() > before;
        }
    }

    private static Program program(String name, Kind kind, String function, String place, String detail) {
        return new Program(name, function, new AttachedUser(kind, "minix", List.of(place), detail, Effect.BLINDED));
    }

    private static List<Program> programs() throws IOException {
        String trampoline =
                guest().sh("sed -n 's/.*-->\\(bpf_trampoline_[0-9]*\\).*/\\1/p' /sys/kernel/tracing/enabled_functions");
        List<Program> programs = new ArrayList<>(List.of(
                program("perf", Kind.KPROBE, "minix_statfs", "minix_statfs" + ENTRY, ""),
                program("kprobe", Kind.KPROBE, "minix_getattr", "minix_getattr" + ENTRY, ""),
                program("fentry", Kind.BPF, "minix_lookup", "minix_lookup", trampoline)));
        if (!OLDER) {
            programs.add(program("multi", Kind.TRACER, "minix_readdir", "minix_readdir", "fprobe_handler"));
        }
        return programs;
    }

    private static void startAll() throws IOException, BtfException {
        for (Program program : programs()) {
            program.start(
                    switch (program.name) {
                        case "multi" -> guest().sh("sed -n 's/ . " + program.function + "\\t.*//p' /proc/kallsyms");
                        case "fentry" -> "minix " + typeOf(program.function);
                        default -> program.function;
                    });
        }
    }

    /** The id of a function of minix among the running kernel's types. */
    private static int typeOf(String function) throws IOException, BtfException {
        Btf kernel = Btf.parse("vmlinux", guest().target().readFile("/sys/kernel/btf/vmlinux"));
        Btf minix = Btf.parseSplit("minix", guest().target().readFile("/sys/kernel/btf/minix"), kernel);
        return minix.ownIds(function).stream()
                .filter(id -> minix.kind(id) == BtfKind.FUNC)
                .findFirst()
                .orElseThrow();
    }

    private static void assertAllSee(boolean expected) throws IOException {
        for (Program program : programs()) {
            assertThat(program.sees()).as(program.name).isEqualTo(expected);
        }
    }

    @Test
    void allAreNamedAndCutOffOnlyIfThatIsAcknowledgedAndAreBackAfterARevert() throws Exception {
        startAll();
        assertAllSee(true);
        Path build = SwapGuest.fixture("minix", "a");
        List<AttachedUser> users = programs().stream().map(Program::user).toList();

        SwapException no = guest().refusal("minix", build);
        assertThat(no).hasMessageContaining("--acknowledge");
        assertThat(no.refusals())
                .hasSize(users.size())
                .extracting(Refusal::kind)
                .containsOnly(Refusal.Kind.ATTACHED);
        assertAllSee(true);

        SwapReport report = guest().swap("minix", build, SwapGuest.options().withAcknowledge(true));
        assertThat(report.attached()).containsExactlyInAnyOrderElementsOf(users);
        assertAllSee(false);

        guest().revert("minix");
        assertAllSee(true);
    }
}
