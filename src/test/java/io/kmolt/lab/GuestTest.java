package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Errno;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** One guest with four CPUs, seen from outside; the last test crashes it. */
@Tag("lab")
@Tag("stock")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GuestTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    @TempDir
    private static @Nullable Path shared;

    private static @Nullable Guest guest;

    private static Guest guest() {
        return java.util.Objects.requireNonNull(guest);
    }

    private static Path shared() {
        return java.util.Objects.requireNonNull(shared);
    }

    @BeforeAll
    static void boot() throws IOException {
        long begin = System.nanoTime();
        guest = Lab.start(LabOptions.defaults().withCpus(4).withShares(shared()));
        guest().target();
        System.out.printf("guest is up after %.1f s%n", (System.nanoTime() - begin) / 1e9);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
        assertThat(guest().alive()).isFalse();
        assertThat(guest().kernelLog()).doesNotExist();
    }

    @Test
    @Order(1)
    void theKernelAndItsCpusAreTheOnesAskedFor() throws IOException {
        Target target = guest().target();
        assertThat(target.readText("/proc/sys/kernel/osrelease")).isEqualTo(KernelCache.DEFAULT_VERSION);
        assertThat(target.run("nproc", LONG).stdout()).isEqualTo("4\n");
        assertThat(target.run("modprobe minix && lsmod", LONG).stdout()).contains("minix");
        assertThat(target.list("/sys/kernel/tracing")).contains("available_filter_functions");
        assertThat(guest().kernelWarnings()).isEmpty();
    }

    /** Also on a busy machine, where a guest that measured its clock itself would find one that is much too fast. */
    @Test
    @Order(1)
    void theGuestsClockGoesAsOursDoes() throws Exception {
        double inside = uptime();
        long outside = System.nanoTime();
        Thread.sleep(4000);
        double passedInside = uptime() - inside;
        double passedOutside = (System.nanoTime() - outside) / 1e9;
        System.out.printf("%.2f s in the guest, %.2f s here%n", passedInside, passedOutside);
        assertThat(passedInside / passedOutside).isBetween(0.75, 1.25); // the machine may have been slow to ask
    }

    private static double uptime() throws IOException {
        return Double.parseDouble(guest().target().readText("/proc/uptime").split(" ")[0]);
    }

    @Test
    @Order(1)
    void twoMebibytesTravelInAboutASecond() throws IOException {
        Target target = guest().target();
        byte[] content = new byte[2 * 1024 * 1024];
        new Random(2).nextBytes(content);
        long begin = System.nanoTime();
        target.writeFile("/tmp/blob", content);
        long written = System.nanoTime();
        byte[] back = target.readFile("/tmp/blob");
        long read = System.nanoTime();
        System.out.printf("2 MiB: %.2f s to the guest, %.2f s back%n", (written - begin) / 1e9, (read - written) / 1e9);
        assertThat(back).isEqualTo(content);
        assertThat(Duration.ofNanos(written - begin)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    @Order(1)
    void whatTheGuestWritesIsThrownAwayExceptInAShare() throws IOException {
        Target target = guest().target();
        target.writeText("/tmp/kmolt-lab-test-thrown-away", "x");
        assertThat(Path.of("/tmp/kmolt-lab-test-thrown-away")).doesNotExist();
        target.writeText(shared() + "/from-the-guest", "kept");
        assertThat(shared().resolve("from-the-guest")).hasContent("kept");
        Files.writeString(shared().resolve("from-the-host"), "seen");
        assertThat(target.readText(shared() + "/from-the-host")).isEqualTo("seen");
    }

    @Test
    @Order(1)
    void aStockModuleIsLoadedAndUnloadedAndItsRefusalsAreExplained() throws IOException {
        Target target = guest().target();
        byte[] loop = Files.readAllBytes(
                KernelCache.ofUser().require(KernelCache.DEFAULT_VERSION).module("loop"));
        String log = target.insertModule(loop, "loop", "max_loop=4");
        assertThat(log).contains("loop: module loaded");
        assertThat(target.readText("/sys/module/loop/parameters/max_loop")).isEqualTo("4");

        ModuleLoadException again =
                catchThrowableOfType(ModuleLoadException.class, () -> target.insertModule(loop, "loop", ""));
        assertThat(again.errno()).isEqualTo(Errno.EEXIST);

        target.run("exec sleep 1000 </dev/loop0 >/dev/null 2>&1 & sleep 0.2", LONG);
        ModuleUnloadException busy =
                catchThrowableOfType(ModuleUnloadException.class, () -> target.removeModule("loop"));
        assertThat(busy.errno()).isEqualTo(Errno.EAGAIN);
        target.run("killall sleep", LONG);
        target.removeModule("loop");
        assertThat(target.exists("/sys/module/loop")).isFalse();

        byte[] broken = new byte[4096];
        ModuleLoadException refused =
                catchThrowableOfType(ModuleLoadException.class, () -> target.insertModule(broken, "broken", ""));
        assertThat(refused.errno()).isEqualTo(Errno.ENOEXEC);
        assertThat(refused.log()).contains("Invalid ELF header magic");
        ModuleUnloadException none =
                catchThrowableOfType(ModuleUnloadException.class, () -> target.removeModule("no_such"));
        assertThat(none.errno()).isEqualTo(Errno.ENOENT);
    }

    @Test
    @Order(1)
    void aSecondShellWorksWhileTheFirstIsBusy() throws Exception {
        try (Target other = guest().openShell()) {
            Thread busy = Thread.ofPlatform().start(() -> {
                try {
                    guest().target().run("sleep 3", LONG);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Thread.sleep(300);
            long begin = System.nanoTime();
            assertThat(other.run("echo here", LONG).stdout()).isEqualTo("here\n");
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofMillis(2500));
            busy.join();
        }
        // A closed shell can be had again; more than there are cannot.
        Target[] shells = new Target[QemuCommand.SHELLS - 1];
        for (int i = 0; i < shells.length; i++) {
            shells[i] = guest().openShell();
        }
        assertThatThrownBy(() -> guest().openShell())
                .isInstanceOf(LabException.class)
                .hasMessageContaining("in use");
        for (Target shell : shells) {
            assertThat(shell.readText("/proc/sys/kernel/ostype")).isEqualTo("Linux");
            shell.close();
        }
    }

    /** The tool's own way to the kernel, tried where it can do no harm. */
    @Test
    @Order(2)
    void systemCallsFromInsideTellTheSameErrors() throws IOException {
        Path loop = KernelCache.ofUser().require(KernelCache.DEFAULT_VERSION).module("loop");
        String classes = System.getProperty("kmolt.home") + "/target/classes";
        String tests = System.getProperty("kmolt.home") + "/target/test-classes";
        CommandResult result = guest().target()
                .run(
                        "exec \"$KMOLT_JAVA_HOME/bin/java\" --enable-native-access=ALL-UNNAMED -cp " + classes + ":"
                                + tests + " io.kmolt.target.LocalModules " + loop,
                        Duration.ofMinutes(2));
        assertThat(result.stderr()).isEmpty();
        assertThat(result.stdout().lines())
                .containsExactly("loaded", "EEXIST", "EAGAIN", "unloaded", "ENOENT", "EKEYREJECTED");
    }

    @Test
    @Order(3)
    void aPanicEndsTheGuestAndIsToldInFull() throws IOException {
        Target target = guest().target();
        TargetLostException lost =
                catchThrowableOfType(TargetLostException.class, () -> target.run("echo c >/proc/sysrq-trigger", LONG));
        assertThat(lost).hasMessageContaining("sysrq triggered crash").hasMessageContaining("sysrq_handle_crash");
        assertThat(guest().alive()).isFalse();
        assertThat(guest().panicked()).isTrue();
        assertThat(guest().kernelWarnings()).hasSize(1);
    }
}
