package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import io.kmolt.target.TargetFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
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

    private static FailingAllocations failing() {
        return FailingAllocations.of(guest());
    }

    @Test
    void theLoadOfTheCore() throws Exception {
        String question = "ls -d /sys/kernel/kmolt /dev/kmolt /sys/module/kmolt 2>&1; true";
        byte[] core = Files.readAllBytes(Core.file(SwapGuest.RUNNING));
        guest().sh("rmmod kmolt");
        String before = guest().sh(question);
        int nth = 1;
        while (!FailingAllocations.inserts(guest(), core, "fail_alloc=" + nth)) {
            assertThat(guest().sh(question)).as("allocation " + nth).isEqualTo(before);
            guest().assertQuiet();
            assertThat(++nth).isLessThan(FailingAllocations.LIMIT);
        }
        assertThat(guest().target().readText(KNOB)).as("it was not reached").isEqualTo("1");
        guest().target().writeText(KNOB, "0");
        assertThat(nth - 1).isEqualTo(10);
        guest().swap("minix", SwapGuest.fixture("minix", "b"));
        guest().sh("rmmod minix && modprobe minix");
    }

    @Test
    void fromTheDeviceToTheUnloadOfTheModule() throws Exception {
        Update update = Update.link(guest(), "minix", SwapGuest.fixture("minix", "b"), folder);
        Target target = guest().target();
        int opening = failing().each("open", FailingMemoryTest::opens, "cat /sys/kernel/kmolt/owner");
        assertThat(opening).isEqualTo(2);
        try (Conversation core = target.open("/dev/kmolt")) {
            int enrolling = failing()
                    .each(
                            "enrol",
                            () -> FailingAllocations.inserts(guest(), update.image(), ""),
                            "grep -c . /proc/modules; cat /sys/module/minix/refcnt; ls -R /sys/kernel/kmolt/modules");
            assertThat(enrolling).isEqualTo(4);
            String enrolled = "cat /sys/kernel/kmolt/modules/minix/*/state /sys/module/minix/refcnt";
            String stage = "stage " + update.name();
            String commit = "commit " + update.name();
            int staging = failing().each("stage", () -> FailingAllocations.send(core, stage), enrolled);
            assertThat(staging).isEqualTo(4);
            // Sites that nothing is led to any more may stay hooked.
            String spared = "minix: unused redirects stay hooked";
            int committing = failing()
                    .sparing(spared, () -> {
                        assertThat(FailingAllocations.send(core, "revert minix"))
                                .isTrue();
                        assertThat(FailingAllocations.send(core, stage)).isTrue();
                    })
                    .each("commit", () -> FailingAllocations.send(core, commit), enrolled);
            assertThat(committing).isEqualTo(10);
            assertThat(guest().current("minix")).isEqualTo(update.name());
            int reverting = failing()
                    .sparing(spared, () -> {
                        assertThat(FailingAllocations.send(core, stage)).isTrue();
                        assertThat(FailingAllocations.send(core, commit)).isTrue();
                    })
                    .each("revert", () -> FailingAllocations.send(core, "revert minix"), enrolled);
            assertThat(reverting).isEqualTo(12);
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
        guest().sh("rmmod minix && modprobe minix");
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
            int dropping = failing().each("drop", () -> FailingAllocations.send(core, "drop " + dropped), question);
            assertThat(dropping).isEqualTo(5);
            assertThat(FailingAllocations.send(core, "retire " + dropped)).isTrue();
            guest().sh("rmmod " + dropped);
            assertThat(guest().target().readText("/sys/kernel/kmolt/modules/waiter/" + above + "/previous"))
                    .isEqualTo(below);
            assertThat(FailingAllocations.send(core, "revert waiter")).isTrue();
            int retiring = failing().each("retire", () -> FailingAllocations.send(core, "retire " + above), question);
            assertThat(retiring).isEqualTo(5);
        }
        assertThat(guest().current("waiter")).isEqualTo(below);
        guest().sh("rmmod waiter");
        guest().assertQuiet();
    }

    private static boolean opens() throws IOException {
        try (Conversation core = guest().target().open("/dev/kmolt")) {
            return Reply.parse(core.exchange("hello")).isOk();
        } catch (TargetFileException e) {
            assertThat(e).hasMessageContaining("Cannot allocate memory");
            return false;
        }
    }
}
