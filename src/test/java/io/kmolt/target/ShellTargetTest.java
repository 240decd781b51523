package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a connection to a shell survives, and how it ends. */
class ShellTargetTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void outputThatLooksLikeFramesIsJustOutput(String shell) throws IOException {
        try (Target target = open(shell)) {
            String hostile = "\036<x\n\036>x 0\n\036|x\n\n\036>";
            String script = "printf '%s' '" + hostile + "'; printf '\\377\\000' >&2";
            CommandResult result = target.run(script, LONG);
            assertThat(result.stdout()).isEqualTo(hostile);
            assertThat(result.stderr()).isEqualTo(new String(new byte[] {(byte) 0xff, 0}, UTF_8));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void whatABackgroundProcessPrintsBetweenRequestsIsSkipped(String shell) throws IOException, InterruptedException {
        // The noise goes straight into the shell's own output, past all redirections.
        try (ShellTarget target = ShellTarget.overProcess(
                shell, List.of("sh", "-c", "(while :; do echo noise; sleep 0.02; done) & " + shell + "; kill $!"))) {
            for (int i = 0; i < 20; i++) {
                Thread.sleep(15);
                assertThat(target.exists("/proc/self")).isTrue();
                assertThat(target.exists("/no/such")).isFalse();
            }
        }
    }

    @Test
    void aBannerBeforeTheFirstAnswerIsSkipped() throws IOException {
        try (Target target = ShellTarget.overProcess(
                "greeter", List.of("sh", "-c", "echo Welcome; echo 'last login: \\036<'; exec sh"))) {
            assertThat(target.readText("/proc/sys/kernel/ostype")).isEqualTo("Linux");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void aShellThatDiesIsReportedAsLost(String shell) throws IOException {
        try (Target target = open(shell)) {
            try {
                target.run("read -r pid name state parent rest </proc/$PPID/stat; kill -KILL $parent", LONG);
                // The job outlives its shell: it may tell of its end before anybody can see that the shell is gone.
            } catch (TargetLostException e) {
                assertThat(e).hasMessageContaining("is lost");
            }
            assertThatThrownBy(() -> target.readFile("/proc/version"))
                    .isInstanceOf(TargetLostException.class)
                    .hasMessageContaining("is lost");
        }
    }

    @Test
    void aProgramThatIsNoShellIsReportedWithItsWords() {
        assertThatThrownBy(() -> ShellTarget.overProcess(
                        "ssh:nowhere", List.of("sh", "-c", "echo 'Permission denied (publickey).' >&2; exit 255")))
                .isInstanceOf(TargetLostException.class)
                .hasMessageContaining("ssh:nowhere")
                .hasMessageContaining("Permission denied (publickey)");
        assertThatThrownBy(() -> ShellTarget.overProcess("ssh:nowhere", List.of("/no/such/ssh")))
                .isInstanceOf(TargetLostException.class)
                .hasMessageContaining("/no/such/ssh");
    }

    @Test
    void aSilentPartnerIsGivenUp() throws IOException {
        Process cat = new ProcessBuilder("sleep", "100").start();
        assertThatThrownBy(() -> ShellTarget.over(
                        "silence",
                        cat.getInputStream(),
                        cat.getOutputStream(),
                        cat::destroyForcibly,
                        () -> Epitaph.NONE,
                        Duration.ofMillis(300)))
                .isInstanceOf(TargetLostException.class)
                .hasMessageContaining("no shell answered");
        assertThat(cat.onExit()).succeedsWithin(LONG);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void closingRemovesTheTemporaryFolderAndEndsAConversation(String shell) throws Exception {
        Path device = folder.resolve("device");
        new ProcessBuilder("mkfifo", device.toString()).start().waitFor();
        String temporary;
        Target target = open(shell);
        Conversation conversation = target.open(device.toString());
        temporary = target.run("dirname \"$(readlink /proc/$$/fd/1)\"", LONG)
                .stdout()
                .strip();
        assertThat(Path.of(temporary)).isDirectory();
        assertThat(holders(device)).isPositive();
        target.close();
        for (int i = 0; i < 100 && (Files.exists(Path.of(temporary)) || holders(device) > 0); i++) {
            Thread.sleep(50);
        }
        assertThat(Path.of(temporary)).doesNotExist();
        assertThat(holders(device)).isZero();
        conversation.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void aBrokenConnectionEndsTheCommandThatRan(String shell) throws Exception {
        Process process = new ProcessBuilder(List.of(shell.split(" "))).start();
        Target target = ShellTarget.over(
                shell,
                process.getInputStream(),
                process.getOutputStream(),
                () -> {
                    try {
                        process.getOutputStream().close();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                () -> Epitaph.NONE);
        Path pid = folder.resolve("pid");
        Thread caller = Thread.ofPlatform()
                .start(() -> assertThatThrownBy(() -> target.run("echo $$ >'" + pid + "'; sleep 300", LONG))
                        .isInstanceOf(TargetLostException.class));
        for (int i = 0; i < 100 && !(Files.exists(pid) && Files.size(pid) > 0); i++) {
            Thread.sleep(50);
        }
        process.getOutputStream().close(); // what the tool's death does
        long command = Long.parseLong(Files.readString(pid).strip());
        assertThat(Processes.ended(command)).isTrue();
        caller.join(10_000);
        assertThat(caller.isAlive()).isFalse();
    }

    /** As where a tool is killed and another one takes the port of a guest at once. */
    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh"})
    void aShellThatAnEarlierUserHasLeftEndsWithWhatItHoldsOpen(String shell) throws Exception {
        Path device = folder.resolve("left");
        new ProcessBuilder("mkfifo", device.toString()).start().waitFor();
        Process process = new ProcessBuilder(List.of(shell.split(" "))).start();
        ShellTarget killed = over(process);
        killed.open(device.toString());
        assertThat(holders(device)).isPositive();
        assertThatThrownBy(() -> over(process)).isInstanceOf(TargetLostException.class);
        assertThat(process.onExit()).succeedsWithin(LONG);
        for (int i = 0; i < 100 && holders(device) > 0; i++) {
            Thread.sleep(20);
        }
        assertThat(holders(device)).isZero();
    }

    private static ShellTarget over(Process process) throws TargetException {
        return ShellTarget.over(
                "shell",
                process.getInputStream(),
                process.getOutputStream(),
                () -> {},
                () -> Epitaph.NONE,
                Duration.ofSeconds(5));
    }

    private static int holders(Path device) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        "sh", "-c", "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- '-> " + device + "'")
                .start();
        int count = Integer.parseInt(new String(process.getInputStream().readAllBytes(), UTF_8).strip());
        process.waitFor();
        return count;
    }

    private static Target open(String shell) throws IOException {
        return ShellTarget.overProcess(shell, List.of(shell.split(" ")));
    }
}
