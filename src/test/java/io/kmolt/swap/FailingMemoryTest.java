package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import io.kmolt.target.TargetFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every allocation of the core fails once, in turn: each time there is a clear refusal and nothing has changed. */
@Tag("lab")
class FailingMemoryTest {
    private static final String KNOB = "/sys/module/kmolt/parameters/fail_alloc";
    /** More than any command allocates. */
    private static final int LIMIT = 100;

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("");
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

    private interface Step {
        /** Whether it succeeded; if not, it was refused for lack of memory. */
        boolean tried() throws IOException;
    }

    /** Tries a step with its first, second, third … allocation failing, until it needs no more; returns how many it needs. */
    private static int everyAllocation(String step, Step tried, Predicate<Target> unchanged) throws IOException {
        Target target = guest().target();
        for (int nth = 1; nth < LIMIT; nth++) {
            target.writeText(KNOB, "" + nth);
            boolean success = tried.tried();
            boolean failed = target.readText(KNOB).equals("0");
            target.writeText(KNOB, "0");
            if (success) {
                // Only tidying up may do without: sites that nothing is led to any more stay hooked.
                boolean tidying = guest().sh("dmesg").contains("minix: unused redirects stay hooked");
                assertThat(failed && !tidying)
                        .as(step + " is fine without its allocation " + nth)
                        .isFalse();
                System.out.printf("%s: %d allocations%n", step, nth - 1);
                return nth - 1;
            }
            assertThat(failed).as(step + " fails without its allocation " + nth).isTrue();
            assertThat(unchanged.test(target)).as(step + ", allocation " + nth).isTrue();
            guest().assertQuiet();
        }
        throw new AssertionError(step + " never succeeds");
    }

    private static boolean send(Conversation core, String command) throws IOException {
        Reply reply = Reply.parse(core.exchange(command));
        if (!reply.isOk()) {
            assertThat(reply.error()).as(command + ": " + reply.message()).isIn("memory", "failed");
        }
        return reply.isOk();
    }

    @Test
    void fromTheDeviceToTheUnloadOfTheModule() throws Exception {
        Update update = Update.link(guest(), "minix", SwapGuest.fixture("minix", "b"), folder);
        Target target = guest().target();
        String answers = guest().sh("ls -R /sys/kernel/kmolt/modules");
        int opening = everyAllocation("open", FailingMemoryTest::opens, t -> true);
        assertThat(opening).isEqualTo(2);
        try (Conversation core = target.open("/dev/kmolt")) {
            String loaded = guest().sh("grep -c . /proc/modules; cat /sys/module/minix/refcnt");
            int enrolling = everyAllocation(
                    "enrol",
                    () -> inserts(update),
                    t -> is(loaded, "grep -c . /proc/modules; cat /sys/module/minix/refcnt")
                            && is(answers, "ls -R /sys/kernel/kmolt/modules"));
            assertThat(enrolling).isEqualTo(4);
            String enrolled = "cat /sys/kernel/kmolt/modules/minix/*/state /sys/module/minix/refcnt";
            String before = guest().sh(enrolled);
            int staging =
                    everyAllocation("stage", () -> send(core, "stage " + update.name()), t -> is(before, enrolled));
            assertThat(staging).isGreaterThanOrEqualTo(4);
            String staged = guest().sh(enrolled);
            int committing =
                    everyAllocation("commit", () -> send(core, "commit " + update.name()), t -> is(staged, enrolled));
            assertThat(committing).isGreaterThanOrEqualTo(7);
            assertThat(guest().current("minix")).isEqualTo(update.name());
            String current = guest().sh(enrolled);
            int reverting = everyAllocation("revert", () -> send(core, "revert minix"), t -> is(current, enrolled));
            assertThat(reverting).isGreaterThanOrEqualTo(7);
            assertThat(guest().current("minix")).isEqualTo("base");
        }
        // What is freed at the end cannot be refused; a missing allocation there only costs another attempt.
        for (int nth = 1; nth < 10; nth++) {
            target.writeText(KNOB, "" + nth);
            guest().sh("rmmod minix");
            assertThat(guest().modules("minix")).isEmpty();
            target.writeText(KNOB, "0");
            guest().assertQuiet();
            guest().sh("modprobe minix");
            guest().swap("minix", SwapGuest.fixture("minix", nth % 2 == 0 ? "a" : "b"));
        }
        guest().sh("rmmod minix; rmmod kmolt");
        guest().assertQuiet();
    }

    @Test
    void fromADropToTheUnloadOfWhatWasDropped() throws Exception {
        Path waiter = SwapGuest.fixture("waiter", "a");
        DistinctBuilds builds = new DistinctBuilds(waiter, folder);
        SwapOptions options = SwapGuest.withBase(waiter);
        guest().sh("insmod " + waiter);
        int n = 0;
        while (n <= PadPolicy.LIMIT) {
            guest().swap("waiter", builds.build(++n), options);
            guest().revert("waiter");
        }
        String below = guest().swap("waiter", builds.build(++n), options).edition();
        String dropped = guest().swap("waiter", builds.build(++n), options).edition();
        String above = guest().swap("waiter", builds.build(++n), options).edition();
        String question = "cd /sys/kernel/kmolt/modules/waiter && cat */state */previous */passes_over */stays;"
                + " cat /sys/module/waiter/refcnt; grep ^kmolt_ /proc/modules | cut -d' ' -f1,3,4";
        try (Conversation core = guest().target().open("/dev/kmolt")) {
            String before = guest().sh(question);
            int dropping = everyAllocation("drop", () -> send(core, "drop " + dropped), t -> is(before, question));
            assertThat(dropping).isGreaterThanOrEqualTo(5);
            assertThat(send(core, "retire " + dropped)).isTrue();
            guest().sh("rmmod " + dropped);
            assertThat(guest().target().readText("/sys/kernel/kmolt/modules/waiter/" + above + "/previous"))
                    .isEqualTo(below);
            assertThat(send(core, "revert waiter")).isTrue();
            String reverted = guest().sh(question);
            int retiring = everyAllocation("retire", () -> send(core, "retire " + above), t -> is(reverted, question));
            assertThat(retiring).isGreaterThanOrEqualTo(5);
        }
        assertThat(guest().current("waiter")).isEqualTo(below);
        guest().sh("rmmod waiter");
        guest().assertQuiet();
    }

    private static boolean is(String before, String question) {
        try {
            return guest().sh(question).equals(before);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean opens() throws IOException {
        try (Conversation core = guest().target().open("/dev/kmolt")) {
            return Reply.parse(core.exchange("hello")).isOk();
        } catch (TargetFileException e) {
            assertThat(e).hasMessageContaining("Cannot allocate memory");
            return false;
        }
    }

    /** By one system call; some insmods try another one where the first has failed. */
    private static boolean inserts(Update update) throws IOException {
        guest().target().writeFile("/tmp/update.ko", update.image());
        CommandResult result = guest().attempt("/sbin/insmod /tmp/update.ko");
        if (!result.ok()) {
            assertThat(result.stderr()).contains("Cannot allocate memory");
        }
        return result.ok();
    }
}
