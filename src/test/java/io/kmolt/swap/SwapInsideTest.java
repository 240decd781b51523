package io.kmolt.swap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.GuestCommand;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The command itself, on the kernel that it runs on. */
@Tag("lab")
class SwapInsideTest {
    /** On the debug kernel a Java machine within the guest takes minutes to start, and this starts five. */
    @Tag("stock")
    @Test
    void theCommandSwapsAndRevertsAModuleOfTheKernelThatItRunsOn() throws Exception {
        Path home = Path.of(System.getProperty("kmolt.home"));
        Assumptions.assumeTrue(Files.exists(home.resolve("target/kmolt.jar")));
        String file = SwapGuest.fixture("minix", "a").toString();
        String missing = home.resolve("none.ko").toString();
        String script = """
                set -e
                modprobe -a minix loop
                truncate -s 8M /dev/shm/minix && /sbin/mkfs.minix -3 /dev/shm/minix >/dev/null
                mkdir -p /mnt/minix && /bin/mount -t minix -o loop /dev/shm/minix /mnt/minix
                stat -c %%o /mnt/minix
                kmolt swap -n minix %1$s
                stat -c %%o /mnt/minix
                kmolt swap minix %1$s
                stat -c %%o /mnt/minix
                kmolt revert minix
                stat -c %%o /mnt/minix
                kmolt revert minix || echo "status $?"
                kmolt swap minix %2$s || echo "status $?"
                umount /mnt/minix
                rmmod minix
                ! grep ^kmolt_ /proc/modules
                rmmod kmolt
                """.formatted(file, missing);
        try (SwapGuest guest = SwapGuest.boot("")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            int status = GuestCommand.run(
                    guest.guest(), List.of("sh", "-c", script), Path.of("/tmp"), Duration.ofMinutes(5), out, err);
            String said = out.toString(UTF_8);
            assertThat(status).as(said + err.toString(UTF_8)).isZero();
            assertThat(said.lines().filter(line -> line.matches("\\d+|status \\d+")))
                    .containsExactly("1024", "1024", "2048", "1024", "status 1", "status 3");
            assertThat(said)
                    .contains("minix: can be swapped for build ")
                    .containsPattern("minix: kmolt_minix_\\d+ answers now")
                    .contains("minix: the base answers again");
            assertThat(err.toString(UTF_8)).contains("nothing to revert").contains("there is no such file");
            guest.assertQuiet();
        }
    }
}
