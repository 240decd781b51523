package io.kmolt.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShellQuoteTest {
    @Test
    void aQuoteInsideAWordIsWrittenOutside() {
        assertThat(ShellQuote.word("it's")).isEqualTo("'it'\\''s'");
        assertThat(ShellQuote.word("")).isEqualTo("''");
        assertThatThrownBy(() -> ShellQuote.word("a\0b")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void moduleParametersAreSplitAsTheKernelDoes() {
        assertThat(ShellQuote.splitParameters("a=1  b=\"x y\"\tc")).containsExactly("a=1", "b=\"x y\"", "c");
        assertThat(ShellQuote.splitParameters("  ")).isEmpty();
    }
}
