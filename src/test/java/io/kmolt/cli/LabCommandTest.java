package io.kmolt.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.lab.Guest;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.NamedGuests;
import io.kmolt.lab.Targets;
import io.kmolt.target.Processes;
import io.kmolt.target.Target;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code kmolt lab} as a shell sees it: each test runs the command in a process of its own. */
@Tag("lab")
@Tag("stock")
class LabCommandTest {
    @TempDir
    private Path folder;

    private record Result(int status, String stdout, String stderr) {}

    @Test
    void runPassesStreamsStatusFolderAndSharesThrough() throws Exception {
        String script = "pwd; printf '\\377\\000\\n'; echo error >/dev/stderr; echo kept >file; cat; uname -r; exit 7";
        Result result = kmolt(folder, "lab", "run", "--share", folder + "", "--", "sh", "-c", script);
        assertThat(result.stdout()).isEqualTo(folder + "\n\u00ff\0\n6.1.0-56-amd64\n");
        assertThat(result.stderr()).isEqualTo("error\n");
        assertThat(result.status()).isEqualTo(7);
        assertThat(folder.resolve("file")).hasContent("kept");
    }

    @Test
    void theSameKmoltIsOnThePathInside() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of(System.getProperty("kmolt.home"), "target/kmolt.jar")));
        Result result = kmolt(folder, "lab", "run", "--cpus", "4", "--", "sh", "-c", "kmolt lab run; echo $?; nproc");
        assertThat(result.stdout()).isEqualTo(ExitCode.USAGE + "\n4\n");
        assertThat(result.stderr()).contains("kmolt lab run").contains("COMMAND");
        assertThat(result.status()).isZero();
    }

    @Test
    void aComplaintOfTheKernelFailsTheRun() throws Exception {
        String script = "echo '<4>WARNING: CPU: 0 PID: 1 at a/test' >/dev/kmsg; seq 3; exit 7";
        Result result = kmolt(folder, "lab", "run", "--", "sh", "-c", script);
        assertThat(result.status()).isEqualTo(ExitCode.GUEST_CRASHED);
        assertThat(result.stdout()).isEqualTo("1\n2\n3\n");
        assertThat(result.stderr()).contains("status was 7").contains("WARNING: CPU: 0 PID: 1 at a/test");
    }

    @Test
    void aPanicFailsTheRunAtOnce() throws Exception {
        Result result = kmolt(
                folder, "lab", "run", "--kernel-log", "log", "--", "sh", "-c", "echo c >/proc/sysrq-trigger; sleep 99");
        assertThat(result.status()).isEqualTo(ExitCode.GUEST_CRASHED);
        assertThat(result.stderr()).contains("the guest crashed").contains("sysrq triggered crash");
        assertThat(folder.resolve("log")).content(UTF_8).contains("Linux version 6.1.0-56-amd64");
    }

    @Test
    void aCommandThatTakesTooLongIsEndedWithItsGuest() throws Exception {
        Result result = kmolt(folder, "lab", "run", "--timeout", "2s", "--", "sh", "-c", "echo begun; sleep 100");
        assertThat(result.status()).isEqualTo(ExitCode.TIME_LIMIT);
        assertThat(result.stdout()).isEqualTo("begun\n");
        assertThat(result.stderr()).contains("time limit of 2 s");
    }

    @Test
    void noGuestOutlivesAToolThatIsKilled() throws Exception {
        Process tool = start(folder, "lab", "run", "--", "sh", "-c", "echo up; sleep 1000");
        assertThat(tool.inputReader().readLine()).isEqualTo("up");
        List<ProcessHandle> family = tool.descendants().toList();
        assertThat(family).anyMatch(p -> p.info().command().orElse("").contains("qemu-system"));
        Path guestFolder = guestFolder(family);
        assertThat(guestFolder).isDirectory();
        tool.destroyForcibly().waitFor();
        for (ProcessHandle process : family) {
            assertThat(Processes.ended(process.pid())).isTrue();
        }
        assertThat(guestFolder).doesNotExist();
    }

    private static Path guestFolder(List<ProcessHandle> family) {
        return family.stream()
                .flatMap(p -> List.of(p.info().arguments().orElse(new String[0])).stream())
                .filter(argument -> argument.endsWith("/pid"))
                .map(argument -> Path.of(argument).getParent())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aKernelThatWasNotFetchedIsRefusedWithTheCommandThatFetchesIt() throws Exception {
        Result result = kmolt(folder, "lab", "run", "--kernel", "6.1.0-1-none", "--", "true");
        assertThat(result.status()).isEqualTo(ExitCode.UNFIT);
        assertThat(result.stderr()).contains("kmolt lab kernel fetch 6.1.0-1-none");
    }

    @Test
    void aNamedGuestStaysUntilItIsStoppedAndItsCrashIsTold() throws Exception {
        String name = "test-" + ProcessHandle.current().pid();
        try {
            Result started = kmolt(folder, "lab", "start", name);
            assertThat(started.stdout()).contains("lab:" + name + " is up with 6.1.0-56-amd64");
            assertThat(started.status()).isZero();
            assertThat(list(name)).contains("running").contains("6.1.0-56-amd64");
            Result again = kmolt(folder, "lab", "start", name);
            assertThat(again.status()).isEqualTo(ExitCode.BUSY);
            assertThat(again.stderr()).contains("kmolt lab stop " + name);
            Result inside = kmolt(folder, "lab", "exec", name, "--", "sh", "-c", "echo out; echo err >&2; exit 3");
            assertThat(inside).isEqualTo(new Result(3, "out\n", "err\n"));
            try (Target target = Targets.parse("lab:" + name);
                    Guest guest = NamedGuests.ofUser().attach(name)) {
                target.writeText("/tmp/mark", "from before");
                assertThat(guest.target().readText("/tmp/mark")).isEqualTo("from before");
                target.writeText("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at a/test\n");
                assertThat(guest.kernelWarnings()).hasSize(1);
                assertThat(list(name)).contains("complaining");
                assertThatThrownBy(() -> target.run("echo c >/proc/sysrq-trigger", Duration.ofSeconds(30)))
                        .hasMessageContaining("sysrq triggered crash");
            }
            assertThat(list(name)).contains("crashed");
            assertThatThrownBy(() -> Targets.parse("lab:" + name))
                    .isInstanceOf(GuestCrashedException.class)
                    .hasMessageContaining("sysrq triggered crash");
        } finally {
            assertThat(kmolt(folder, "lab", "stop", name).status()).isZero();
        }
        assertThat(list(name)).isEmpty();
        assertThat(kmolt(folder, "lab", "stop", name).stderr()).contains("no guest named");
    }

    private String list(String name) throws Exception {
        return kmolt(folder, "lab", "list")
                .stdout()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .findFirst()
                .orElse("");
    }

    private static Process start(Path folder, String... args) throws IOException {
        List<String> argv = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dkmolt.home=" + System.getProperty("kmolt.home"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        argv.addAll(List.of(args));
        return new ProcessBuilder(argv).directory(folder.toFile()).start();
    }

    private static Result kmolt(Path folder, String... args) throws Exception {
        File stderr = File.createTempFile("kmolt-test", ".err");
        Process process = start(folder, args);
        Thread errors = Thread.ofPlatform().start(() -> {
            try {
                Files.write(stderr.toPath(), process.getErrorStream().readAllBytes());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        String stdout = new String(process.getInputStream().readAllBytes(), ISO_8859_1);
        errors.join();
        assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
        String complaints = Files.readString(stderr.toPath());
        Files.delete(stderr.toPath());
        return new Result(process.exitValue(), stdout, complaints);
    }
}
