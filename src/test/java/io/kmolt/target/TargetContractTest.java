package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every target promises, on this machine and behind each kind of shell. */
class TargetContractTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    /** A way to open a target. */
    interface Opener {
        Target open() throws IOException;
    }

    record Named(String name, Opener opener) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Named> targets() {
        return List.of(
                new Named("local", LocalTarget::new),
                new Named("dash", () -> ShellTarget.overProcess("dash", List.of("dash"))),
                new Named("bash", () -> ShellTarget.overProcess("bash", List.of("bash"))),
                new Named("busybox", () -> ShellTarget.overProcess("busybox", List.of("busybox", "sh"))));
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aLargeBinaryFileTravelsBothWaysUnchanged(Named named) throws IOException {
        byte[] content = new byte[2 * 1024 * 1024 + 77];
        new Random(1).nextBytes(content);
        String path = folder.resolve("blob with 'quotes' and spaces").toString();
        try (Target target = named.opener().open()) {
            target.writeFile(path, content);
            assertThat(Files.readAllBytes(Path.of(path))).isEqualTo(content);
            assertThat(target.readFile(path)).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void filesOfEverySmallSizeSurvive(Named named) throws IOException {
        String path = folder.resolve("small").toString();
        try (Target target = named.opener().open()) {
            for (int size : new int[] {0, 1, 4096, 65535, 65536, 65537}) {
                byte[] content = new byte[size];
                new Random(size).nextBytes(content);
                target.writeFile(path, content);
                assertThat(target.readFile(path)).as("%d bytes", size).isEqualTo(content);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aMissingFileIsNamedWithItsError(Named named) throws IOException {
        try (Target target = named.opener().open()) {
            TargetFileException e = catchThrowableOfType(TargetFileException.class, () -> target.readFile("/no/such"));
            assertThat(e.errno()).isEqualTo(Errno.ENOENT);
            assertThat(e).hasMessageContaining("/no/such").hasMessageContaining("ENOENT");
            assertThat(target.exists("/no/such")).isFalse();
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void contentThatCannotBeWrittenIsNeitherExecutedNorLeftInTheStream(Named named) throws IOException {
        Path trap = folder.resolve("trap");
        byte[] content = ("\ntouch '" + trap + "'\n").repeat(20_000).getBytes(UTF_8);
        try (Target target = named.opener().open()) {
            TargetFileException e = catchThrowableOfType(
                    TargetFileException.class, () -> target.writeFile(folder + "/no/such/folder", content));
            assertThat(e.errno()).isEqualTo(Errno.ENOENT);
            assertThat(target.run("echo still here", LONG).stdout()).isEqualTo("still here\n");
            assertThat(trap).doesNotExist();
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aDeviceThatRefusesTheContentTellsWhy(Named named) throws IOException {
        try (Target target = named.opener().open()) {
            TargetFileException e = catchThrowableOfType(
                    TargetFileException.class, () -> target.writeFile("/dev/full", new byte[300_000]));
            assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
            assertThat(target.readText("/proc/sys/kernel/ostype")).isEqualTo("Linux");
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void foldersAreListedSortedWithHiddenNames(Named named) throws IOException {
        for (String name : List.of("b", "a", ".hidden", "with space")) {
            Files.createFile(folder.resolve(name));
        }
        Files.createSymbolicLink(folder.resolve("dangling"), Path.of("/no/such"));
        try (Target target = named.opener().open()) {
            assertThat(target.list(folder.toString())).containsExactly(".hidden", "a", "b", "dangling", "with space");
            assertThat(target.exists(folder.resolve("dangling").toString())).isTrue();
            assertThatThrownBy(() -> target.list(folder.resolve("a").toString()))
                    .isInstanceOf(TargetFileException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aCommandsStreamsAndStatusStayApart(Named named) throws IOException {
        try (Target target = named.opener().open()) {
            CommandResult result = target.run("echo out; echo err >&2; cat; exit 7", LONG);
            assertThat(result).isEqualTo(new CommandResult(7, "out\n", "err\n"));
            assertThat(target.run(List.of("printf", "%s|", "a b", "it's", "$HOME", "*"), LONG)
                            .stdout())
                    .isEqualTo("a b|it's|$HOME|*|");
            assertThat(target.run("kill -TERM $$", LONG).status()).isEqualTo(128 + 15);
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aCommandThatTakesTooLongIsKilledWithItsChildren(Named named) throws IOException {
        Path pid = folder.resolve("pid");
        try (Target target = named.opener().open()) {
            String script = "echo begun; sleep 300 & echo $! >'" + pid + "'; wait";
            CommandTimeoutException e = catchThrowableOfType(
                    CommandTimeoutException.class, () -> target.run(script, Duration.ofMillis(700)));
            assertThat(e.stdout()).isEqualTo("begun\n");
            assertThat(target.run("echo next", LONG).stdout()).isEqualTo("next\n");
            long child = Long.parseLong(Files.readString(pid).strip());
            assertThat(Processes.ended(child)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aProcessLeftInTheBackgroundIsNotWaitedFor(Named named) throws IOException {
        try (Target target = named.opener().open()) {
            long begin = System.nanoTime();
            CommandResult result = target.run("sleep 20 & echo $!", LONG);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
            ProcessHandle.of(Long.parseLong(result.stdout().strip())).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    /** A pipe opened for reading and writing gives back what is written: a device that repeats each line. */
    @ParameterizedTest
    @MethodSource("targets")
    void aConversationHoldsOneDescriptorOverSeveralExchanges(Named named) throws Exception {
        Path device = fifo();
        try (Target target = named.opener().open()) {
            try (Conversation conversation = target.open(device.toString())) {
                assertThat(conversation.exchange("ok first $HOME 'x' \\n")).isEqualTo("ok first $HOME 'x' \\n\n");
                assertThat(target.run("echo between", LONG).stdout()).isEqualTo("between\n");
                assertThat(conversation.exchange("error EBUSY: second")).isEqualTo("error EBUSY: second\n");
            }
            assertThat(target.run("echo after", LONG).stdout()).isEqualTo("after\n");
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aReplyThatNeverEndsIsGivenUpAndTheTargetGoesOn(Named named) throws Exception {
        Path device = fifo();
        try (Target target = named.opener().open()) {
            Conversation conversation = target.open(device.toString());
            assertThatThrownBy(() -> conversation.exchange("data without an end", Duration.ofMillis(500)))
                    .isInstanceOf(CommandTimeoutException.class)
                    .hasMessageContaining("data without an end");
            assertThatThrownBy(() -> conversation.exchange("ok")).isInstanceOf(TargetFileException.class);
            assertThat(target.run("echo on", LONG).stdout()).isEqualTo("on\n");
        }
    }

    @ParameterizedTest
    @MethodSource("targets")
    void aDeviceThatIsNotThereIsNotCreated(Named named) throws IOException {
        Path device = folder.resolve("none");
        try (Target target = named.opener().open()) {
            TargetFileException e =
                    catchThrowableOfType(TargetFileException.class, () -> target.open(device.toString()));
            assertThat(e.errno()).isEqualTo(Errno.ENOENT);
            assertThat(device).doesNotExist();
            assertThat(target.run("echo on", LONG).ok()).isTrue();
        }
    }

    private Path fifo() throws IOException, InterruptedException {
        Path fifo = folder.resolve("device");
        new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor();
        return fifo;
    }
}
