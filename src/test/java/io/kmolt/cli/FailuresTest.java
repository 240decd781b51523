package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What is said when a command cannot be carried out, and with which status. */
class FailuresTest {
    @TempDir
    private Path folder;

    @Test
    void withoutACommandTheCommandsAreListed() {
        run().exits(ExitCode.USAGE).complains("Usage: kmolt", "doctor", "swap", "kmolt --help tells more");
    }

    @Test
    void aWordThatIsNoCommandGetsASuggestion() {
        run("swpa").exits(ExitCode.USAGE).complains("'swpa'", "kmolt swap");
    }

    @Test
    void aMissingParameterIsNamed() {
        run("swap", "minix")
                .exits(ExitCode.USAGE)
                .complains("'NEW'", "Usage: kmolt swap", "kmolt swap --help tells more");
    }

    @Test
    void aTargetOfNoKindIsAUsageError() {
        run("list", "-t", "web1").exits(ExitCode.USAGE).complains("\"web1\" is no target: local, lab:NAME or ssh:");
    }

    @ParameterizedTest
    @ValueSource(strings = {"doctor", "list", "status", "info minix", "revert minix", "swap minix minix.ko"})
    void aGuestThatDoesNotRunIsNoFitTarget(String command) {
        run((Object[]) (command + " --target lab:cli-nosuch").split(" "))
                .exits(ExitCode.UNFIT)
                .complains("kmolt: no guest named cli-nosuch runs; start it with: kmolt lab start cli-nosuch");
    }

    @Test
    void programsGetTheFailureAsOneObject() {
        Path missing = folder.resolve("missing.ko");
        JsonNode failure = run("info", "--json", missing)
                .exits(ExitCode.UNFIT)
                .complains("there is no such file")
                .json();
        assertThat(failure.propertyNames()).containsExactly("error", "kind", "reasons", "blockers", "late");
        assertThat(failure.at("/error").asString()).isEqualTo(missing + ": there is no such file");
        assertThat(failure.at("/kind").asString()).isEqualTo("unfit");
    }

    @Test
    void alsoAUsageErrorIsOneObject() {
        JsonNode failure = run("swap", "--json").exits(ExitCode.USAGE).json();
        assertThat(failure.at("/kind").asString()).isEqualTo("usage");
    }

    @Test
    void withoutJsonStandardOutputStaysEmpty() {
        run("info", folder.resolve("missing.ko")).exits(ExitCode.UNFIT).saysOnly();
    }

    @ParameterizedTest
    @ValueSource(strings = {"doctor", "info", "diff", "swap", "revert", "list", "status"})
    void everyCommandTeachesItself(String command) {
        run(command, "--help").exits(0).says("Usage: kmolt " + command, "Exit status: 0", "--json");
    }
}
