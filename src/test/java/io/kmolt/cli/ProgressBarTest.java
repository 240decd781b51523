package io.kmolt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    private final StringWriter err = new StringWriter();

    private String of(boolean terminal, int all) {
        try (ProgressBar bar = new ProgressBar(new PrintWriter(err), terminal)) {
            for (int done = 1; done <= all; done++) {
                bar.update("module" + done, done, all);
            }
        }
        return err.toString();
    }

    @Test
    void onATerminalItIsDrawnInOneLineAndRemovedAtTheEnd() {
        assertThat(of(true, 500))
                .contains("\r[##############################] 500/500, 0 s, module500")
                .doesNotContain("\n")
                .endsWith("\r\033[K");
    }

    @Test
    void elsewhereItIsALineForEachTenth() {
        assertThat(of(false, 500).lines()).hasSize(10).first().asString().startsWith("kmolt: 50 of 500, ");
    }

    @Test
    void fewStepsAreFewLines() {
        assertThat(of(false, 3).lines()).hasSize(3);
    }
}
