package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.link.Descriptor;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;

/** What the commands say of one guest, before, while and after its minix is another build. */
@Tag("lab")
@Tag("stock")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GuestCommandsTest {
    private static final String NAME = "cli-test-" + ProcessHandle.current().pid();
    private static final String TARGET = "lab:" + NAME;
    private static final Path NEW_MINIX = Corpus.module(Corpus.BOOKWORM, "minix");

    @BeforeAll
    static void boot() {
        run("lab", "start", NAME, "--kernel", Corpus.BOOKWORM_BEFORE).exits(0);
    }

    @AfterAll
    static void stop() {
        run("lab", "stop", NAME).exits(0);
    }

    @Test
    @Order(1)
    void nothingIsSwappedAtFirst() {
        run("doctor", "-t", TARGET).exits(0).says(TARGET + ": fit", "15 of 15 checks");
        run("list", "-t", TARGET).exits(0).saysOnly("nothing has editions on " + TARGET);
        run("status", "-t", TARGET).exits(0).saysOnly("core on " + TARGET + ": not loaded; nothing is swapped");
        run("info", "-t", TARGET, "minix").exits(ExitCode.UNFIT).complains("module minix is not loaded on " + TARGET);
        run("status", "-t", TARGET, "minix").exits(ExitCode.UNFIT).complains("module minix is not loaded");
    }

    @Test
    @Order(2)
    void aModuleThatIsLoadedAnswersItself() {
        guest("modprobe minix");
        run("info", "-t", TARGET, "minix")
                .exits(0)
                .says("minix on " + TARGET + ": live", "now       the base answers", ": the build that is loaded");
    }

    @Test
    @Order(3)
    void anUnfitTargetIsRefusedBeforeAnythingIsLoaded() {
        guest("echo 0 >/proc/sys/kernel/ftrace_enabled");
        run("doctor", "-t", TARGET)
                .exits(ExitCode.UNFIT)
                .says(TARGET + ": unfit", "kernel.ftrace_enabled is 0", "→ sysctl -w kernel.ftrace_enabled=1");
        run("swap", "-t", TARGET, "minix", NEW_MINIX)
                .exits(ExitCode.UNFIT)
                .complains(TARGET + " is unfit: ftrace: kernel.ftrace_enabled is 0; sysctl -w kernel.ftrace_enabled=1");
        run("status", "-t", TARGET).exits(0).says("not loaded");
        guest("echo 1 >/proc/sys/kernel/ftrace_enabled");
    }

    @Test
    @Order(4)
    void aSwapShowsEverywhere() {
        String buildId = run("info", "--json", NEW_MINIX).json().at("/buildId").asString();
        run("swap", "-t", TARGET, "minix", NEW_MINIX).exits(0).says("minix: kmolt_minix_0 answers now");

        run("list", "-t", TARGET)
                .exits(0)
                .saysOnly("minix: kmolt_minix_0 answers (build-id " + buildId + "), 1 edition");
        run("list", "-v", "-t", TARGET).exits(0).says("kmolt_minix_0: current, after the base, build-id " + buildId);
        run("status", "-t", TARGET)
                .exits(0)
                .says(
                        "core on " + TARGET + ": version 0.1.0, ABI " + Descriptor.ABI,
                        "owner     none",
                        "commits   1",
                        "paused ");
        JsonNode status =
                run("status", "--json", "-t", TARGET, "minix").exits(0).json();
        assertThat(status.at("/core/modules/0/current").asString()).isEqualTo("kmolt_minix_0");
        assertThat(status.at("/core/modules/0/editions/0/pauseNanos").asLong()).isPositive();
        run("info", "-t", TARGET, "minix")
                .exits(0)
                .says("now       kmolt_minix_0 answers, build-id " + buildId, "not the one that answers now");
        run("doctor", "-v", "-t", TARGET).exits(0).says("loaded, ABI " + Descriptor.ABI + ", build-id ");
    }

    @Test
    @Order(5)
    void aSecondSwapMakesAChain() {
        Path oldMinix = Corpus.module(Corpus.BOOKWORM_BEFORE, "minix");
        run("swap", "-t", TARGET, "minix", oldMinix).exits(0);
        run("status", "-t", TARGET, "minix")
                .exits(0)
                .says("kmolt_minix_0: superseded, after the base", "kmolt_minix_1: current, after kmolt_minix_0");
        run("list", "-t", TARGET).exits(0).says("minix: kmolt_minix_1 answers", "2 editions");
        run("revert", "-t", TARGET, "minix").exits(0);
    }

    @Test
    @Order(6)
    void aRevertLeavesNothingThatTheModuleDoesNotTakeAlong() {
        run("revert", "-t", TARGET, "minix").exits(0).says("the base answers again", "stays loaded");
        run("list", "-t", TARGET).exits(0).says("minix: the base answers, 2 editions");
        run("status", "-t", TARGET, "minix").exits(0).says("minix: the base answers", "commits   4", "retired");
        run("revert", "-t", TARGET, "minix").exits(ExitCode.REFUSED).complains("nothing to revert");
        guest("rmmod minix && modprobe minix");
        run("list", "-t", TARGET).exits(0).saysOnly("nothing has editions on " + TARGET);
        run("status", "-t", TARGET, "minix").exits(0).says("minix: the base answers", "commits   0");
    }

    @Test
    @Order(7)
    void aSwapStandsOrIsTakenBackAsItsVerificationSays() {
        run("swap", "-t", TARGET, "minix", NEW_MINIX, "--max-pause", "2s")
                .exits(ExitCode.USAGE)
                .complains("--max-pause must be from 100us to 1s");
        run("swap", "-t", TARGET, "minix", NEW_MINIX, "--verify", "echo it is $((6 * 7)); exit 3", "--for", "1m")
                .exits(ExitCode.REFUSED)
                .complains("failed its verification and was reverted, the base answers again", "status 3", "it is 42");
        run("status", "-t", TARGET, "minix").exits(0).says("minix: the base answers");
        run("swap", "-t", TARGET, "minix", NEW_MINIX, "--verify", "true", "--for", "2s", "--max-pause", "500ms")
                .exits(0)
                .says(" answers now", "verified  for 2 s: the check succeeded");
        run("log", "-t", TARGET).exits(0).says("verify", "failed", "passed");
        run("revert", "-t", TARGET, "minix", "--max-pause", "500ms").exits(0);
        guest("rmmod minix && modprobe minix");
    }

    private static void guest(String command) {
        run("lab", "exec", NAME, "--", "sh", "-c", command).exits(0);
    }
}
