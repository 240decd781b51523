package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.lab.Monitor;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A swap is written down, tried, and taken back by itself; memory tells of it afterwards. The one that warns is last. */
@Tag("lab")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class VerifiedSwapTest {
    private static final String JOURNAL = "/var/lib/kmolt/" + SwapGuest.RUNNING + "/journal";

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws IOException {
        guest = SwapGuest.boot("audit=1");
        guest().sh("rm -rf /var/lib/kmolt; insmod " + version("v1"));
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    @AfterEach
    void theBaseAnswers() throws IOException {
        assertThat(guest().current("greeter")).isEqualTo("base");
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path version(String name) {
        return SwapGuest.fixture("greeter", name);
    }

    private static SwapOptions trial(@Nullable String command, int seconds) {
        return SwapGuest.withBase(version("v1"))
                .withTrial(
                        Optional.of(new Verification.Plan(Optional.ofNullable(command), Duration.ofSeconds(seconds))));
    }

    private static SwapException failing(Path file, SwapOptions options) {
        return catchThrowableOfType(
                SwapException.class, () -> Swap.run(guest().target(), "greeter", file, options, Progress.NONE));
    }

    private static List<String> outcomes() throws IOException {
        return Journal.read(guest().target()).entries().stream()
                .filter(e -> !e.isIntent())
                .map(e -> e.get("verb") + " " + e.get("outcome") + " " + e.get("answers"))
                .toList();
    }

    @Test
    @Order(1)
    void whatPassesItsVerificationStandsAndAllIsWrittenDown() throws Exception {
        SwapReport report = guest().swap("greeter", version("v2"), trial("head -n 1 /proc/greeter | grep -q 2", 2));
        assertThat(report.verified()).matches("for 2 s: the check succeeded .*, and the kernel did not complain");
        assertThat(report.notes()).noneMatch(note -> note.contains("journal"));

        JournalText journal = Journal.read(guest().target());
        assertThat(journal.damaged()).isZero();
        assertThat(journal.entries())
                .extracting(e -> e.get("verb") + " " + e.get("event"))
                .containsExactly("swap intent", "swap outcome", "verify intent", "verify outcome");
        JournalEntry intent = journal.entries().getFirst();
        assertThat(intent.get("fileSha256"))
                .isEqualTo(guest().sh("sha256sum " + version("v2")).substring(0, 64));
        assertThat(intent.get("updateSha256")).hasSize(64);
        assertThat(intent.get("boot")).isEqualTo(guest().sh("cat /proc/sys/kernel/random/boot_id"));
        assertThat(intent.get("uid")).isEqualTo("0");
        assertThat(intent.get("holder")).matches("\\d+ \\S+");
        assertThat(intent.get("time")).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
        JournalEntry outcome = journal.entries().get(1);
        assertThat(outcome.get("answers")).isEqualTo(report.edition());
        assertThat(outcome.get("pauseNanos")).isEqualTo("" + report.pauseNanos());

        Status status = Status.of(guest().target(), "greeter");
        assertThat(status.changes().get("greeter")).isEqualTo(outcome);
        assertThat(status.modules().getFirst().by())
                .isEqualTo(outcome.get("holder").replaceFirst(" ", " 0 "));
        assertThat(status.unfinished()).isEmpty();
        assertThat(guest().logged("kmolt op=committed module=greeter edition=" + report.edition()))
                .isPositive();
        assertThat(guest().logged(
                                "greeter: committed %1$s, %1$s answers (build-id %2$s), pause %3$d us, by pid %4$s) uid 0"
                                        .formatted(
                                                report.edition(),
                                                report.buildId(),
                                                report.pauseNanos() / 1000,
                                                intent.get("holder").replaceFirst(" ", " ("))))
                .isEqualTo(1);
        guest().revert("greeter");
        assertThat(guest().logged("greeter: reverted " + report.edition() + ", the base answers (build-id "
                        + intent.get("buildIdBefore") + ")"))
                .isEqualTo(1);
    }

    @Test
    @Order(2)
    void whatFailsItsVerificationIsReverted() throws Exception {
        SwapException no = failing(version("v2"), trial("head -n 1 /proc/greeter; exit 7", 20));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REVERTED);
        assertThat(no).hasMessageContaining("the check ended with status 7").hasMessageContaining("\n  greeter 2");
        assertThat(outcomes())
                .endsWith(
                        "verify failed "
                                + Journal.read(guest().target())
                                        .entries()
                                        .getLast()
                                        .get("before"),
                        "revert done base");
        assertThat(guest().sh("ls /run | grep -c kmolt-verify; true")).isEqualTo("0");
    }

    @ParameterizedTest
    @Order(3)
    @ValueSource(
            strings = {
                "touch /run/trying",
                // What it prints is on its way when the connection ends, and stays there: nobody reads it any more.
                "head -c 50000000 /dev/zero | tr '\\0' x; touch /run/trying"
            })
    void whenKmoltIsEndedTheTargetRevertsByItself(String check) throws Exception {
        Target doomed = guest().guest().openShell();
        CompletableFuture<Throwable> end = onTrial(doomed, trial(check, 120), Progress.NONE);
        doomed.close();
        theTargetReverts();
        assertThat(end.get()).isInstanceOf(IOException.class);
    }

    /** As one does that is stopped, or whose network is gone without a word. */
    @Test
    @Order(3)
    void whenKmoltHangsTheTargetRevertsByItself() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        Progress hung = step -> {
            if (step.startsWith("verifying: run 2")) {
                await(over);
            }
        };
        try (Target hanging = guest().guest().openShell()) {
            SwapOptions options = trial("touch /run/trying", 3).withLimits(Limits.within(Duration.ofSeconds(3)));
            CompletableFuture<Throwable> end = onTrial(hanging, options, hung);
            theTargetReverts();
            over.countDown();
            assertThat(end.get()).isInstanceOf(IOException.class);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns as soon as the check has been run once. */
    private static CompletableFuture<Throwable> onTrial(Target target, SwapOptions options, Progress progress)
            throws IOException {
        guest().sh("rm -f /run/trying");
        CompletableFuture<Throwable> end = CompletableFuture.supplyAsync(() -> catchThrowableOfType(
                Throwable.class, () -> Swap.run(target, "greeter", version("v2"), options, progress)));
        guest().sh("for i in $(seq 600); do [ -e /run/trying ] && exit; sleep 0.1; done; exit 1");
        assertThat(guest().current("greeter")).isNotEqualTo("base");
        return end;
    }

    private static void theTargetReverts() throws IOException {
        guest().sh("for i in $(seq 600); do grep -q base /sys/kernel/kmolt/modules/greeter/current && break;"
                + " sleep 0.1; done; for i in $(seq 600); do tail -n 1 " + JOURNAL
                + " | grep -q interrupted && break; sleep 0.1; done");
        assertThat(outcomes()).endsWith("verify interrupted base");
        assertThat(guest().sh("ls /run | grep -c kmolt-verify; true")).isEqualTo("0");
    }

    @Test
    @Order(4)
    void whatNobodyFinishedIsToldOnceAndWhatWasCutOffDoesNoHarm() throws Exception {
        Journal journal = Journal.open(guest().target(), SwapGuest.RUNNING, true);
        JournalEntry left = journal.named(JournalEntry.intent("swap", "greeter", "kmolt_greeter_99"));
        assertThat(journal.write(left.with("holder", "1 killed"))).isEmpty();
        guest().sh("printf '{\"event\":\"inte' >>" + JOURNAL);
        assertThat(Status.ofAll(guest().target()).unfinished())
                .singleElement()
                .asString()
                .startsWith("swap of greeter, begun at ")
                .endsWith("now the base answers");

        SwapReport report = guest().swap("greeter", version("v2"), SwapGuest.withBase(version("v1")));
        assertThat(report.notes()).anyMatch(note -> note.startsWith("swap of greeter, begun at "));
        assertThat(guest().revert("greeter").notes()).isEmpty();
        assertThat(Status.ofAll(guest().target()).unfinished()).isEmpty();
        assertThat(Journal.read(guest().target()).damaged()).isEqualTo(1);
    }

    @Test
    @Order(5)
    void withoutAJournalNothingIsSwappedUnlessThatIsWanted() throws Exception {
        guest().sh("mv " + JOURNAL + " /run/journal; mkdir " + JOURNAL);
        SwapException no = failing(version("v2"), SwapGuest.withBase(version("v1")));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
        assertThat(no).hasMessageContaining("cannot be written").hasMessageContaining("--no-journal");
        assertThat(guest().current("greeter")).isEqualTo("base");

        guest().swap("greeter", version("v2"), SwapGuest.withBase(version("v1")).withJournal(false));
        assertThat(guest().revert("greeter").notes()).anyMatch(note -> note.contains("cannot be written"));
        guest().sh("rmdir " + JOURNAL + "; mv /run/journal " + JOURNAL);
    }

    @Test
    @Order(6)
    void memoryTellsWhatWasSwapped() throws Exception {
        // Without page tables or symbols: the guest's own view of its memory, as a crash dump has it.
        guest().sh("cd " + Path.of("").toAbsolutePath() + "; [ -r /proc/kcore ]");
        String found = guest().sh("kmolt record --json /proc/kcore");
        assertThat(found).contains("\"verb\" : \"committed\"", "\"verb\" : \"reverted\"", "\"module\" : \"greeter\"");
        assertThat(found).contains(guest().sh("cat /proc/sys/kernel/random/boot_id"));
        assertThat(found.split("\"bootId\"")).hasSize(2);
        assertThat(Files.exists(folder)).isTrue();
    }

    /** What a hypervisor saves of a machine that does not answer any more. */
    @Test
    @Order(6)
    void aDumpOfTheWholeMachineTellsTheSame() throws Exception {
        Path dump = Objects.requireNonNull(folder).resolve("vmcore");
        try (Monitor monitor = Monitor.of(guest().guest())) {
            monitor.execute("dump-guest-memory", Map.of("paging", false, "protocol", "file:" + dump));
        }
        List<MemoryRecord> records = MemoryImage.records(dump);
        Files.delete(dump);
        assertThat(records).singleElement().satisfies(record -> {
            assertThat(record.bootId()).isEqualTo(guest().sh("cat /proc/sys/kernel/random/boot_id"));
            assertThat(record.release()).isEqualTo(SwapGuest.RUNNING);
            assertThat(record.entries()).extracting(MemoryRecord.Entry::verb).contains("committed", "reverted");
            assertThat(record.entries()).extracting(MemoryRecord.Entry::module).containsOnly("greeter");
        });
    }

    @Test
    @Order(7)
    void aBuildThatMakesTheKernelWarnIsRevertedAndTheWarningNamesItsModule() throws Exception {
        guest().assertQuiet();
        SwapException no = failing(version("bad-warn"), trial("cat /proc/greeter >/dev/null", 20));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REVERTED);
        assertThat(no)
                .hasMessageContaining("the kernel complained: ")
                .hasMessageContaining("greeter_show+")
                .hasMessageMatching("(?s).*\\[kmolt_greeter_\\d+].*");
        assertThat(guest().sh("head -n 1 /proc/greeter")).isEqualTo("greeter 1");
    }
}
