package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an update whose owner dies, of one that nobody owns or that is late, and in which order all may go. */
@Tag("lab")
class SwapSessionTest {
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

    @AfterEach
    void nothingIsLeftAndTheKernelHasNoComplaint() throws IOException {
        assertThat(guest().modules("minix")).containsExactly("minix");
        assertThat(guest().sh("ls /sys/kernel/kmolt/modules")).isEmpty();
        assertThat(guest().sh("cat /sys/module/minix/refcnt")).isEqualTo("0");
        guest().assertQuiet();
    }

    private Update save() throws Exception {
        return Update.link(guest(), "minix", SwapGuest.fixture("minix", "a"), folder);
    }

    @Test
    void anOwnerThatDiesLeavesNothingBehind() throws Exception {
        Update update = save();
        guest().target().writeFile("/tmp/update.ko", update.image());
        CommandResult killed = guest().attempt(
                        "exec 3<>/dev/kmolt; insmod /tmp/update.ko || exit 1; echo stage %s >&3; cat <&3; cat /sys/module/minix/refcnt;"
                                        .formatted(update.name())
                                + " cat /sys/kernel/kmolt/modules/minix/%s/state; cat /sys/kernel/kmolt/owner; kill -9 $$"
                                        .formatted(update.name()));
        assertThat(killed.status()).isEqualTo(128 + 9);
        assertThat(killed.stdout()).startsWith("ok\n").containsPattern("\n[1-9]\nstaged\n[0-9]+ ");
        assertThat(guest().sh("cat /sys/kernel/kmolt/owner")).isEqualTo("none");
        assertThat(guest().isLoaded(update.name())).isFalse();
        assertThat(guest().logged("kmolt: " + update.name() + ": discarded, its owner pid "))
                .isEqualTo(1);
    }

    @Test
    void anOwnerThatDiesBetweenLoadingAndStagingLeavesNothingBehind() throws Exception {
        Update update = save();
        guest().target().writeFile("/tmp/update.ko", update.image());
        CommandResult killed = guest().attempt("exec 3<>/dev/kmolt; insmod /tmp/update.ko || exit 1; kill -9 $$");
        assertThat(killed.status()).isEqualTo(128 + 9);
        assertThat(guest().isLoaded(update.name())).isFalse();
    }

    @Test
    void anUpdateThatNobodyOwnsIsNotLetIn() throws Exception {
        Update update = save();
        assertThatThrownBy(() -> guest().target().insertModule(update.image(), update.name(), ""))
                .isInstanceOf(ModuleLoadException.class)
                .hasMessageContaining("nobody holds /dev/kmolt");
        assertThat(guest().isLoaded(update.name())).isFalse();
        // insmod tries twice, by both system calls that there are.
        assertThat(guest().logged("refused: " + update.name() + ": nobody holds /dev/kmolt"))
                .isPositive();
    }

    @Test
    void anUpdateForAnEarlierBootIsNotLetIn() throws Exception {
        Update update = save();
        try (SwapGuest rebooted = SwapGuest.boot("")) {
            rebooted.sh("modprobe minix");
            Core.load(rebooted.target(), SwapGuest.RUNNING);
            try (Conversation session = rebooted.target().open("/dev/kmolt")) {
                assertThatThrownBy(() -> rebooted.target().insertModule(update.image(), update.name(), ""))
                        .isInstanceOf(ModuleLoadException.class);
                assertThat(session.exchange("reason")).contains(update.name() + ": it was linked for another boot");
            }
            assertThat(rebooted.sh("cat /sys/module/minix/refcnt")).isEqualTo("0");
            rebooted.assertQuiet();
        }
    }

    @Test
    void anUpdateForAnEarlierLoadOfItsBaseIsNotLetIn() throws Exception {
        Update update = save();
        // Often to the same address, at which all but the load itself is as it was.
        guest().sh("rmmod minix; modprobe minix");
        try (Conversation session = guest().target().open("/dev/kmolt")) {
            assertThatThrownBy(() -> guest().target().insertModule(update.image(), update.name(), ""))
                    .isInstanceOf(ModuleLoadException.class)
                    .hasMessageContaining("another load of its base");
            assertThat(session.exchange("reason")).contains("another load of its base");
        }
        assertThat(guest().isLoaded(update.name())).isFalse();
    }

    @Test
    void aBaseMayGoWithAllEditionsOfItsChain() throws Exception {
        guest().swap("minix", SwapGuest.fixture("minix", "a"));
        guest().swap("minix", SwapGuest.fixture("minix", "b"));
        guest().swap("minix", SwapGuest.stock("minix"));
        assertThat(guest().modules("minix")).hasSize(4);
        guest().sh("rmmod minix");
        assertThat(guest().modules("minix")).isEmpty();
        guest().sh("modprobe minix");
    }

    @Test
    void aBaseMayGoAfterARevertThatLeftAnEditionInMemory() throws Exception {
        String edition = guest().swap("minix", SwapGuest.fixture("minix", "a")).edition();
        RevertReport report = guest().revert("minix");
        assertThat(report.kept()).isNotEmpty();
        assertThat(guest().modules("minix")).containsExactlyInAnyOrder(edition, "minix");
        guest().sh("rmmod minix");
        assertThat(guest().modules("minix")).isEmpty();
        guest().sh("modprobe minix");
    }

    @Test
    void whoAnswersCannotBeUnloadedAndNeitherCanTheCore() throws Exception {
        String edition = guest().swap("minix", SwapGuest.stock("minix")).edition();
        Target target = guest().target();
        for (String inUse : new String[] {edition, "kmolt"}) {
            ModuleUnloadException no =
                    catchThrowableOfType(ModuleUnloadException.class, () -> target.removeModule(inUse));
            assertThat(no).as(inUse).hasMessageContaining(inUse);
        }
        assertThat(guest().current("minix")).isEqualTo(edition);
        guest().revert("minix");
        guest().sh("rmmod minix; modprobe minix");
    }

    @Test
    void theCoreComesAndGoes() throws Exception {
        for (int i = 0; i < 3; i++) {
            guest().target().removeModule("kmolt");
            assertThat(guest().target().exists("/sys/kernel/kmolt")).isFalse();
            assertThat(guest().target().exists("/dev/kmolt")).isFalse();
            guest().swap("minix", SwapGuest.stock("minix"));
            guest().revert("minix");
            // The reverted edition goes with its base, and with it the last user of the core.
            guest().sh("rmmod minix; modprobe minix");
        }
    }

    @Test
    void modprobeTakesAModuleAwayWithAllThatItAloneNeeded() throws Exception {
        String modules = "cut -d' ' -f1 /proc/modules | sort";
        String before = guest().sh(modules);
        guest().sh("modprobe ext4");
        assertThat(guest().sh(modules).lines()).contains("ext4", "jbd2", "mbcache", "crc16");
        guest().swap("jbd2", SwapGuest.fixture("jbd2", "a"));
        guest().swap("ext4", SwapGuest.neighbour("ext4"));
        guest().swap("ext4", SwapGuest.stock("ext4"));
        guest().sh("/sbin/modprobe -r ext4");
        assertThat(guest().sh(modules)).isEqualTo(before);
    }
}
