package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** File systems are swapped while they are mounted and busy, in both ways that a kernel can preempt. */
@Tag("lab")
@ParameterizedClass
@ValueSource(strings = {"voluntary", "full"})
class FileSystemSwapTest {
    private static final int ROUNDS = Integer.getInteger("kmolt.rounds", 2);

    /** Of 6.1 the neighbouring package's build comes first, and the rebuild second. */
    private static final String SECOND_EXT4 = SwapGuest.RUNNING.startsWith("6.1.") ? "plain" : "a";

    /** More than any module here has in its exit. */
    private static final int EXIT_TEXT_LIMIT = 1024;

    private static @Nullable SwapGuest guest;

    @Parameter
    private String preempt = "";

    @BeforeParameterizedClassInvocation
    static void boot(String preempt) throws IOException {
        guest = SwapGuest.boot("preempt=" + preempt);
    }

    @AfterParameterizedClassInvocation
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @AfterEach
    void theKernelHasNoComplaint() {
        guest().assertQuiet();
    }

    @Test
    void theKernelPreemptsAsItWasToldTo() throws Exception {
        assertThat(guest().sh("cat /sys/kernel/debug/sched/preempt")).contains("(" + preempt + ")");
    }

    @Test
    @Tag("every-kernel")
    void minixIsSwappedForthAndBackUnderLoad() throws Exception {
        guest().sh(
                        "mkdir -p /mnt/minix; truncate -s 24M /dev/shm/minix; /sbin/mkfs.minix -3 /dev/shm/minix; modprobe -a minix loop");
        String mount = "/bin/mount -t minix -o loop /dev/shm/minix /mnt/minix";
        swapForthAndBack(
                "minix",
                mount,
                "--small /mnt/minix",
                SwapGuest.fixture("minix", "a"),
                SwapGuest.fixture("minix", "b"),
                "minix_getattr",
                "/sbin/fsck.minix -f /dev/shm/minix");
    }

    @Test
    @Tag("every-kernel")
    void ext4IsSwappedForthAndBackUnderLoad() throws Exception {
        guest().sh(
                        "mkdir -p /mnt/ext4; truncate -s 128M /dev/shm/ext4; /sbin/mkfs.ext4 -q /dev/shm/ext4; modprobe -a ext4 loop");
        String mount = "/bin/mount -t ext4 -o loop /dev/shm/ext4 /mnt/ext4";
        swapForthAndBack(
                "ext4",
                mount,
                "/mnt/ext4",
                SwapGuest.neighbour("ext4"),
                SwapGuest.fixture("ext4", SECOND_EXT4),
                "ext4_file_write_iter",
                "/sbin/e2fsck -fn /dev/shm/ext4");
    }

    private void swapForthAndBack(
            String module, String mount, String load, Path first, Path second, String function, String fsck)
            throws Exception {
        String last = "";
        guest().sh(mount);
        try (LoadRun running = LoadRun.start(guest(), load)) {
            for (int round = 0; round < ROUNDS; round++) {
                SwapReport there = guest().swap(module, round % 2 == 0 ? first : second);
                assertThat(there.previous()).isEqualTo("base");
                if (round < 2) {
                    CallCount.assertAnswers(guest().target(), running, function, there.edition(), module);
                } else {
                    running.goesOn();
                }
                RevertReport back = guest().revert(module);
                assertThat(back.current()).isEqualTo("base");
                if (round < 2) {
                    CallCount.assertAnswers(guest().target(), running, function, module);
                } else {
                    running.goesOn();
                }
            }
            last = guest().swap(module, first).edition();
            running.goesOn();
            running.finish();
        }
        guest().sh("/bin/umount /mnt/" + module);
        assertThat(guest().sh(fsck)).doesNotContainIgnoringCase("error");

        long unloadedBefore = guest().logged("kmolt: " + module + ": unloaded, its editions with it");
        long newExit = exitText(last);
        try (CallCount exits = new CallCount(guest().target())) {
            exits.callersOf("exits", "unregister_filesystem");
            guest().sh("rmmod " + module);
            assertThat(exits.callers("exits"))
                    .isNotEmpty()
                    .allMatch(from -> from >= newExit && from < newExit + EXIT_TEXT_LIMIT);
        }
        assertThat(guest().logged("kmolt: " + module + ": unloaded, its editions with it"))
                .isEqualTo(unloadedBefore + 1);
        assertThat(guest().modules(module)).isEmpty();
        assertThat(guest().target().exists("/sys/kernel/kmolt/modules/" + module))
                .isFalse();

        guest().sh("modprobe " + module + "; " + mount);
        try (LoadRun fresh = LoadRun.start(guest(), load)) {
            fresh.goesOn();
            fresh.finish();
        }
        guest().sh("/bin/umount /mnt/" + module);
        assertThat(guest().sh(fsck)).doesNotContainIgnoringCase("error");
        guest().sh("modprobe -r " + module);
        assertThat(guest().modules(module)).isEmpty();
    }

    /** Where the code of a module's exit is; it is not open to probes. */
    private static long exitText(String module) throws IOException {
        String address = guest().target().readText("/sys/module/" + module + "/sections/.exit.text");
        return Long.parseUnsignedLong(address.substring(2), 16);
    }
}
