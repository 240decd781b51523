package io.kmolt.target;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogDeltaTest {
    @Test
    void onlyWhatCameAfterTheLastKnownLineCounts() {
        assertThat(LogDelta.after("b\n\na\nb\nc\nd\n")).isEqualTo("c\nd\n");
        assertThat(LogDelta.after("b\n\na\nb\n")).isEmpty();
        assertThat(LogDelta.after("a\n\na\nb\n")).isEqualTo("b\n");
    }

    @Test
    void aLineThatRepeatsIsTakenAtItsLastPlace() {
        assertThat(LogDelta.after("a\n\na\nx\na\ny\n")).isEqualTo("y\n");
    }

    @Test
    void everythingCountsWhenTheKnownLineIsGoneOrWasNone() {
        assertThat(LogDelta.after("gone\n\na\nb\n")).isEqualTo("a\nb\n");
        assertThat(LogDelta.after("\na\nb\n")).isEqualTo("a\nb\n");
        assertThat(LogDelta.after("")).isEmpty();
    }
}
