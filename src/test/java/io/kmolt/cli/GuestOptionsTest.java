package io.kmolt.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

class GuestOptionsTest {
    @ParameterizedTest
    @CsvSource({"1024, 1024", "512M, 512", "2G, 2048", "1g, 1024"})
    void aSizeIsANumberOfMebibytesOrHasAUnit(String text, int expected) {
        assertThat(new GuestOptions.Mebibytes().convert(text)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "G", "1.5G", "4T", "9999999G"})
    void anythingElseIsRefused(String text) {
        assertThatThrownBy(() -> new GuestOptions.Mebibytes().convert(text))
                .isInstanceOf(TypeConversionException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--memory=100", "--cpus=0", "--cpus=100", "--timeout=soon"})
    void aGuestThatCannotBeIsAUsageError(String option) {
        StringWriter err = new StringWriter();
        CommandLine kmolt = Main.commandLine().setErr(new PrintWriter(err));
        assertThat(kmolt.execute("lab", "run", option, "--", "true")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains("Usage: kmolt lab run");
    }

    @Test
    void aRunWithoutACommandIsAUsageError() {
        StringWriter err = new StringWriter();
        CommandLine kmolt = Main.commandLine().setErr(new PrintWriter(err));
        assertThat(kmolt.execute("lab", "run")).isEqualTo(ExitCode.USAGE);
    }
}
