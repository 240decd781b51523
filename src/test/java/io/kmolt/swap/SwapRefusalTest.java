package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.diff.Refusal;
import io.kmolt.link.Descriptor;
import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is not safe, or cannot be done, is refused with its reason, and the kernel is left as it was. */
@Tag("lab")
@Tag("every-kernel")
class SwapRefusalTest {
    private static final int E_MACHINE = 18;
    private static final int EM_AARCH64 = 183;

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("");
        guest().sh("modprobe -a minix loop ext4; insmod " + greeter("v1"));
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path greeter(String version) {
        return SwapGuest.fixture("greeter", version);
    }

    /** Whatever was refused, nothing has become of it. */
    @AfterEach
    void noEditionIsLoadedAndTheKernelHasNoComplaint() throws IOException {
        assertThat(guest().sh("grep -c ^kmolt_ /proc/modules || true")).isEqualTo("0");
        assertThat(guest().sh("ls /sys/kernel/kmolt/modules 2>/dev/null || true"))
                .isEmpty();
        guest().assertQuiet();
    }

    @Test
    void aModuleThatIsNotLoaded() throws Exception {
        SwapException no = guest().refusal("isofs", SwapGuest.neighbour("isofs"));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("isofs is not loaded on lab:").hasMessageContaining("modprobe");
    }

    @Test
    void aBaseThatIsNotTheBuildThatIsLoaded() throws Exception {
        Path other = SwapGuest.neighbour("ext4");
        SwapException no = guest().refusal("ext4", other, SwapGuest.withBase(other));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no)
                .hasMessageContaining(other + " is not the build of module ext4 that is loaded")
                .hasMessageContaining("--base")
                .hasMessageMatching(".*build-id is [0-9a-f]{40}, loaded is [0-9a-f]{40}.*");
    }

    @Test
    void aLoadedModuleWhoseFileIsNotInstalled() throws Exception {
        guest().sh("rm -rf /var/lib/kmolt"); // where kmolt keeps the files of builds that it has seen
        SwapException no = guest().refusal("greeter", greeter("v2"));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("greeter").hasMessageContaining("--base");
    }

    @Test
    void aFileThatIsNotThere() throws Exception {
        SwapException no = guest().refusal("minix", folder.resolve("none.ko"));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("none.ko").hasMessageContaining("no such file");
    }

    @Test
    void aFileOfAnotherArchitecture() throws Exception {
        byte[] bytes = Files.readAllBytes(SwapGuest.fixture("minix", "a"));
        bytes[E_MACHINE] = (byte) EM_AARCH64;
        SwapException no = guest().refusal("minix", file("arm.ko", bytes));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("arm.ko").hasMessageContaining("x86-64");
    }

    @Test
    void aTruncatedFile() throws Exception {
        byte[] bytes = Files.readAllBytes(SwapGuest.fixture("minix", "a"));
        for (int length : new int[] {0, 10, 64, bytes.length / 2, bytes.length - 1}) {
            SwapException no = guest().refusal("minix", file("short.ko", Arrays.copyOf(bytes, length)));
            assertThat(no.kind()).as("%d bytes", length).isEqualTo(SwapException.Kind.UNFIT);
            assertThat(no).hasMessageContaining("short.ko");
        }
    }

    @Test
    void aTextFile() throws Exception {
        SwapException no = guest().refusal(
                        "minix",
                        file(
                                "notes.ko",
                                "Not a module.\n".repeat(100).getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("notes.ko").hasMessageContaining("not an ELF file");
    }

    @Test
    void aFileOfAnotherModule() throws Exception {
        SwapException no = guest().refusal("ext4", SwapGuest.fixture("minix", "a"));
        assertRefused(no, Refusal.Kind.OTHER_MODULE, "minix", "another module than ext4");
    }

    @Test
    void anotherLayoutOfATypeThatLivesInTheHeap() throws Exception {
        SwapException no = guest().refusal("minix", SwapGuest.fixture("minix", "bad-layout"));
        assertRefused(no, Refusal.Kind.TYPE_LAYOUT, "minix_inode_info", "");

        SwapException visitor = guest().refusal("greeter", greeter("bad-layout"), SwapGuest.withBase(greeter("v1")));
        assertRefused(visitor, Refusal.Kind.TYPE_LAYOUT, "visitor", "");
    }

    @Test
    void aVariableOfAnotherSize() throws Exception {
        SwapException no = guest().refusal("minix", SwapGuest.fixture("minix", "bad-state"));
        assertRefused(no, Refusal.Kind.RESIZED, "bitmap_lock", "another size in the new build: ");

        SwapException book = guest().refusal("greeter", greeter("bad-state"), SwapGuest.withBase(greeter("v1")));
        assertRefused(book, Refusal.Kind.RESIZED, "book", "another size in the new build: ");
    }

    @Test
    void aChangedInit() throws Exception {
        SwapException no = guest().refusal("greeter", greeter("bad-init"), SwapGuest.withBase(greeter("v1")));
        assertRefused(no, Refusal.Kind.INIT, "greeter_init", "runs only when the module is loaded");
    }

    @Test
    void whileAnotherSessionIsAtWork() throws Exception {
        try (Target other = guest().guest().openShell();
                Conversation held = other.open("/dev/kmolt")) {
            assertThat(held.exchange("hello")).contains("abi " + Descriptor.ABI);
            String owner = guest().sh("cat /sys/kernel/kmolt/owner");
            assertThat(owner).matches("[0-9]+ (busybox|sh)");
            SwapException no = guest().refusal("minix", SwapGuest.fixture("minix", "a"));
            assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
            assertThat(no)
                    .hasMessageContaining("another kmolt is at work")
                    .hasMessageContaining("pid " + owner.split(" ")[0]);
        }
        guest().swap("minix", SwapGuest.stock("minix"));
        guest().revert("minix");
        // A reverted edition goes with its base.
        guest().sh("rmmod minix; modprobe minix");
    }

    @Test
    void aRevertOfWhatWasNeverSwapped() throws Exception {
        SwapException no = catchThrowableOfType(
                SwapException.class, () -> Revert.run(guest().target(), "minix", Limits.DEFAULT, Progress.NONE));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
        assertThat(no).hasMessageContaining("nothing to revert").hasMessageContaining("minix");
    }

    /** On the debug kernel the function does not change: its callee is not inlined there. */
    @Tag("stock")
    @Test
    void aTaskAsleepInAChangedFunctionIsNamedAndWaitedForAndWhenItHasLeftTheSwapSucceeds() throws Exception {
        guest().sh("mkdir -p /mnt/minix; truncate -s 8M /dev/shm/minix; /sbin/mkfs.minix -3 /dev/shm/minix;"
                + "/bin/mount -t minix -o loop /dev/shm/minix /mnt/minix; echo other >/mnt/minix/other");
        Path changed = SwapGuest.fixture("minix", "b");
        Sleeper sleeper = Sleeper.start(guest(), "readdir /mnt/minix");

        SwapException no = guest().refusal("minix", changed, SwapGuest.options(Duration.ofSeconds(2)));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no).hasMessageContaining("gave up after 2 s").hasMessageContaining("nothing has changed");
        assertThat(no.blockers()).hasSize(1);
        Blocker blocker = no.blockers().getFirst();
        assertThat(blocker.pid()).isEqualTo(sleeper.pid());
        assertThat(blocker.command()).isEqualTo("sleep-in");
        assertThat(blocker.where()).matches("minix_readdir\\+0x\\w+/0x\\w+ \\[minix]");
        assertThat(blocker.stack())
                .contains(blocker.where())
                .anyMatch(frame -> frame.startsWith("handle_userfault+"))
                .anyMatch(frame -> frame.startsWith("iterate_dir+"));

        // The module goes on as it was, for others too.
        assertThat(guest().sh("cat /mnt/minix/other; stat -c %o /mnt/minix/other"))
                .isEqualTo("other\n1024");
        sleeper.close();
        guest().swap("minix", changed);
        assertThat(guest().sh("ls /mnt/minix; stat -c %o /mnt/minix/other")).isEqualTo("other\n4096");
        guest().revert("minix");
        assertThat(guest().sh("stat -c %o /mnt/minix/other; /bin/umount /mnt/minix; rmmod minix; modprobe minix"))
                .isEqualTo("1024");
    }

    @Test
    void aReaderAsleepInAChangedReadOfADeviceIsNamedAndReadsOnAfterItHasBeenWoken() throws Exception {
        Sleeper sleeper = Sleeper.start(guest(), "device /dev/greeter");
        SwapOptions options = SwapGuest.withBase(greeter("v1")).withLimits(Limits.within(Duration.ofSeconds(1)));
        SwapException no = guest().refusal("greeter", greeter("v3"), options);
        assertThat(no.kind()).isEqualTo(SwapException.Kind.BUSY);
        assertThat(no.blockers()).extracting(Blocker::pid).containsExactly(sleeper.pid());
        assertThat(no.blockers().getFirst().where()).matches("greeter_read\\+0x\\w+/0x\\w+ \\[greeter]");
        sleeper.close();
        guest().swap("greeter", greeter("v3"), SwapGuest.withBase(greeter("v1")));
        guest().revert("greeter");
        guest().sh("rmmod greeter; insmod " + greeter("v1"));
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static void assertRefused(SwapException no, Refusal.Kind kind, String subject, String reason) {
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
        assertThat(no).hasMessageContaining("cannot be swapped for this build");
        assertThat(no.refusals()).as(no.refusals().toString()).anySatisfy(refusal -> {
            assertThat(refusal.kind()).isEqualTo(kind);
            assertThat(refusal.subject()).contains(subject);
            assertThat(refusal.reason()).contains(reason);
        });
    }
}
