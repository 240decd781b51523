package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.TinyModule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LineNumbersTest {
    private static final String SOURCE = """
            void __might_sleep(const char *file, int line);
            void __might_fault(const char *file, int line);
            int lockdep_rcu_suspicious(const char *file, int line, const char *text);
            void told(const char *file, int line);
            int sleeps(int x) { %s; return import_a(x) + 3; }
            """;

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', textBlock = """
            __might_sleep("a/f.c", 1)                    | __might_sleep("b/f.c", 2001)                    | SAME
            __might_fault("f.c", 11)                     | __might_fault("f.c", 12)                        | SAME
            x = lockdep_rcu_suspicious("f.c", 11, "that") | x = lockdep_rcu_suspicious("f.c", 1, "that")   | SAME
            x = lockdep_rcu_suspicious("f.c", 11, "that") | x = lockdep_rcu_suspicious("f.c", 11, "what")  | CHANGED
            __might_sleep("f.c", 1)                      | __might_sleep("g.c", 1)                         | CHANGED
            __might_sleep("f.c", 1)                      | __might_fault("f.c", 1)                         | CHANGED
            told("f.c", 11)                              | told("f.c", 12)                                 | CHANGED
            """)
    void theLineThatADebuggingKernelIsToldIsNoDifference(String old, String now, Change change) {
        Comparison comparison = Comparer.compare(
                TinyModule.compile(SOURCE.formatted(old)), TinyModule.compile(SOURCE.formatted(now)), Types.same());

        assertThat(comparison.functions().entrySet().stream()
                        .filter(e -> e.getKey().name().equals("sleeps"))
                        .map(e -> e.getValue()))
                .containsExactly(change);
    }
}
