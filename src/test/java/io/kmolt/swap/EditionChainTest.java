package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Builds that follow one another in a mounted ext4, the journal below it, and minix. */
@Tag("lab")
class EditionChainTest {
    private static final int ROUNDS = Integer.getInteger("kmolt.rounds", 1);

    private static final String JOURNAL = "tail -n 1 /proc/fs/jbd2/loop*/info";

    private static @Nullable SwapGuest guest;

    @BeforeAll
    static void boot() throws IOException {
        guest = SwapGuest.boot("");
        guest().sh("modprobe -a loop ext4 minix; mkdir -p /mnt/ext4 /mnt/minix;"
                + "truncate -s 128M /dev/shm/ext4; /sbin/mkfs.ext4 -q /dev/shm/ext4;"
                + "truncate -s 24M /dev/shm/minix; /sbin/mkfs.minix -3 /dev/shm/minix;"
                + "/bin/mount -t ext4 -o loop /dev/shm/ext4 /mnt/ext4;"
                + "/bin/mount -t minix -o loop /dev/shm/minix /mnt/minix");
    }

    @AfterAll
    static void unloadEverything() throws IOException {
        try (SwapGuest last = guest()) {
            last.sh("/bin/umount /mnt/ext4 && /bin/umount /mnt/minix && /sbin/e2fsck -fn /dev/shm/ext4"
                    + " && /sbin/fsck.minix -f /dev/shm/minix && rmmod ext4 && rmmod jbd2 && rmmod minix");
            assertThat(last.modules("ext4")).isEmpty();
            last.assertQuiet();
        }
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @AfterEach
    void theKernelHasNoComplaint() {
        guest().assertQuiet();
    }

    @ParameterizedTest
    @ValueSource(strings = {"minix", "jbd2", "ext4"})
    void aModuleIsSwappedForItsOwnFile(String module) throws Exception {
        Path own = SwapGuest.stock(module);
        try (LoadRun load = LoadRun.start(guest(), "--small /mnt/" + (module.equals("minix") ? module : "ext4"))) {
            SwapReport report = guest().swap(module, own);
            assertThat(report.changed()).isEmpty();
            assertThat(report.added()).isEmpty();
            assertThat(report.gone()).isEmpty();
            // The only reason to keep it: nothing in it is new.
            assertThat(report.sticky()).allMatch(why -> why.startsWith("tables name its functions"));
            load.goesOn();
            RevertReport back = guest().revert(module);
            assertThat(guest().isLoaded(report.edition())).isEqualTo(!back.unloaded());
            SwapReport again = guest().swap(module, own);
            if (!back.unloaded()) {
                assertThat(again.edition()).isEqualTo(report.edition());
            }
            load.goesOn();
            guest().revert(module);
            load.finish();
        }
    }

    @Test
    void theJournalIsSwappedBelowABusyFileSystemWhoseThreadSleepsInIt() throws Exception {
        swapTheJournalBelowLoad("a", "jbd2__journal_start");
    }

    /** On the debug kernel this build is refused: code stores the address of start_this_handle there. */
    @Tag("stock")
    @Test
    void theJournalIsSwappedForABuildThatCallsFunctionsWithOtherArguments() throws Exception {
        swapTheJournalBelowLoad("b", "jbd2_journal_stop");
    }

    private static void swapTheJournalBelowLoad(String build, String function) throws Exception {
        assertThat(guest().sh("cat $(dirname $(grep -l ^jbd2/loop /proc/[0-9]*/comm))/stack"))
                .contains("kjournald2");
        try (LoadRun load = LoadRun.start(guest(), "/mnt/ext4")) {
            for (int round = 0; round < ROUNDS; round++) {
                SwapReport report = guest().swap("jbd2", SwapGuest.fixture("jbd2", build));
                CallCount.assertAnswers(guest().target(), load, function, report.edition(), "jbd2");
                assertThat(guest().sh(JOURNAL)).startsWith("edition " + build + ": ");
                guest().revert("jbd2");
                CallCount.assertAnswers(guest().target(), load, function, "jbd2");
                assertThat(guest().sh(JOURNAL)).doesNotContain("edition");
                load.goesOn();
            }
            load.finish();
        }
    }

    /** Not on the debug kernel for the same reason. */
    @Tag("stock")
    @Test
    void threeBuildsOfTheJournalFollowEachOtherUnderLoadAndAreTakenBackOneByOne() throws Exception {
        String function = "jbd2_journal_stop";
        try (LoadRun load = LoadRun.start(guest(), "/mnt/ext4")) {
            String a = guest().swap("jbd2", SwapGuest.fixture("jbd2", "a")).edition();
            CallCount.assertAnswers(guest().target(), load, function, a, "jbd2");

            SwapReport second = guest().swap("jbd2", SwapGuest.fixture("jbd2", "b"));
            assertThat(second.previous()).isEqualTo(a);
            String b = second.edition();
            CallCount.assertAnswers(guest().target(), load, function, b, a, "jbd2");
            assertThat(guest().sh(JOURNAL)).startsWith("edition b: ");

            assertThat(guest().revert("jbd2").current()).isEqualTo(a);
            CallCount.assertAnswers(guest().target(), load, function, a, b, "jbd2");
            assertThat(guest().sh(JOURNAL)).startsWith("edition a: ");

            assertThat(guest().revert("jbd2").current()).isEqualTo("base");
            CallCount.assertAnswers(guest().target(), load, function, "jbd2", a, b);
            load.finish();
        }
    }

    @Test
    @Tag("every-kernel")
    void threeBuildsOfMinixFollowEachOtherUnderLoadAndAreTakenBackOneByOne() throws Exception {
        String function = "minix_getattr";
        String which = "stat -c %o /mnt/minix";
        try (LoadRun load = LoadRun.start(guest(), "--small /mnt/minix")) {
            String a = guest().swap("minix", SwapGuest.fixture("minix", "a")).edition();
            CallCount.assertAnswers(guest().target(), load, function, a, "minix");
            assertThat(guest().sh(which)).isEqualTo("2048");

            String b = guest().swap("minix", SwapGuest.fixture("minix", "b")).edition();
            CallCount.assertAnswers(guest().target(), load, function, b, a, "minix");
            assertThat(guest().sh(which)).isEqualTo("4096");

            assertThat(guest().revert("minix").current()).isEqualTo(a);
            CallCount.assertAnswers(guest().target(), load, function, a, b, "minix");
            assertThat(guest().sh(which)).isEqualTo("2048");

            assertThat(guest().revert("minix").current()).isEqualTo("base");
            CallCount.assertAnswers(guest().target(), load, function, "minix", a, b);
            assertThat(guest().sh(which)).isEqualTo("1024");
            load.finish();
        }
    }

    @Test
    void aMountedExt4IsSwappedForItsNeighbourAndOnForARebuild() throws Exception {
        try (LoadRun load = LoadRun.start(guest(), "/mnt/ext4")) {
            String first = guest().swap("ext4", SwapGuest.neighbour("ext4")).edition();
            CallCount.assertAnswers(guest().target(), load, "ext4_getattr", first, "ext4");
            String second =
                    guest().swap("ext4", SwapGuest.fixture("ext4", "plain")).edition();
            CallCount.assertAnswers(guest().target(), load, "ext4_getattr", second, first, "ext4");
            assertThat(guest().revert("ext4").current()).isEqualTo(first);
            CallCount.assertAnswers(guest().target(), load, "ext4_getattr", first, second, "ext4");
            assertThat(guest().revert("ext4").current()).isEqualTo("base");
            CallCount.assertAnswers(guest().target(), load, "ext4_getattr", "ext4");
            load.finish();
        }
    }

    @Test
    void stateThatAVariantBringsLivesAsLongAsItsEditionAndIsFoundAgainByARevert() throws Exception {
        String count = "dmesg | sed -n 's/.*edition a, \\([0-9]*\\) writes.*/\\1/p' | tail -n 1";
        String remount = "/bin/mount -o remount,rw /mnt/minix; ";
        String a = guest().swap("minix", SwapGuest.fixture("minix", "a")).edition();
        guest().sh("for i in 1 2 3; do echo x >>/mnt/minix/counted; done");
        assertThat(guest().sh(remount + count)).isEqualTo("3");
        guest().swap("minix", SwapGuest.fixture("minix", "b"));
        guest().sh("echo not counted >>/mnt/minix/counted");
        assertThat(guest().revert("minix").current()).isEqualTo(a);
        guest().sh("for i in 1 2; do echo x >>/mnt/minix/counted; done");
        assertThat(guest().sh(remount + count)).isEqualTo("5");
        // Swapped for the same build once more: its counter is the one that the earlier edition brought.
        guest().swap("minix", SwapGuest.fixture("minix", "a"));
        guest().sh("echo x >>/mnt/minix/counted");
        assertThat(guest().sh(remount + count)).isEqualTo("6");
        guest().revert("minix");
        guest().revert("minix");
    }
}
