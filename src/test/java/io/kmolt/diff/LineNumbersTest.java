package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which numbers are line numbers, and do not count, and which are not. */
class LineNumbersTest {
    private static final String SOURCE = """
            void __might_sleep(const char *file, int line);
            void __might_fault(const char *file, int line);
            int lockdep_rcu_suspicious(const char *file, int line, const char *text);
            void told(const char *file, int line);
            void report(long a, long b, long c, const char *function, int line, int error);
            int where;
            #define REPORT(error, b) report(1, \\
                    b, \\
                    3, __func__, __LINE__, error)
            #line 1 "header.h"
            static inline void wraps(int x, int line) { if (x > 3) told("f.c", line); }
            #line 1000 "source.c"
            int sleeps(int x)
            {
                STATEMENT; return import_a(x) + 3;
            }
            """;

    private static final Types TOLD = new Types() {
        @Override
        public List<Refusal> layoutDifferences() {
            return List.of();
        }

        @Override
        public Optional<String> prototypeDifference(String function) {
            return Optional.empty();
        }

        @Override
        public OptionalInt lineArgument(String function) {
            return switch (function) {
                case "told" -> OptionalInt.of(1);
                case "report" -> OptionalInt.of(4);
                default -> OptionalInt.empty();
            };
        }
    };

    private static KernelModule build(List<String> options, String statement) {
        return TinyModule.compile("tiny", options, SOURCE.replace("STATEMENT", statement));
    }

    private static Comparison compare(List<String> options, String old, String now, Types types) {
        return Comparer.compare(build(options, old), build(options, now), types);
    }

    private static Change change(Comparison comparison) {
        return comparison.functions().entrySet().stream()
                .filter(e -> e.getKey().name().equals("sleeps"))
                .map(e -> e.getValue())
                .findFirst()
                .orElseThrow();
    }

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
        assertThat(change(compare(List.of(), old, now, Types.same()))).isEqualTo(change);
    }

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', textBlock = """
            told("f.c", 11)            | told("f.c", 12)              | SAME
            told("f.c", 11)            | told("g.c", 12)              | CHANGED
            told((char *)11, 5)        | told((char *)12, 5)          | CHANGED
            told("f.c", 11 + x)        | told("f.c", 12 + x)          | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 3, "f", 400, 5) | SAME
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 3, "f", 4, 6)   | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 6, "f", 4, 5)   | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 6, 3, "f", 4, 5)   | CHANGED
            """)
    void anArgumentThatIsDeclaredAsALineIsNoDifference(String old, String now, Change change) {
        assertThat(change(compare(List.of(), old, now, TOLD))).isEqualTo(change);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "told(\"f.c\", __LINE__)",
                "where = __LINE__",
                "if (x > __LINE__) return 7",
                "wraps(x, __LINE__)",
                "told(\"f.c\",\n  __LINE__); wraps(x,\n\n __LINE__)",
                "REPORT(5,\n  x)",
                "REPORT(5, 2); told(__func__, __LINE__)"
            })
    void whatMovedWithItsSourceIsNoDifference(String statement) {
        for (String space : List.of("\n", "\n\n\n\n\n", "\n".repeat(5000))) {
            assertThat(change(compare(List.of("-g"), statement, space + statement, Types.same())))
                    .as("%d lines more", space.length())
                    .isEqualTo(Change.SAME);
        }
        assertThat(change(compare(List.of("-g"), "\n\n\n" + statement, statement, Types.same())))
                .isEqualTo(Change.SAME);
    }

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            where = 1002          | where = 1003
            where = 1002          | `\\n\\nwhere = 1005`
            where = 1002          | `\\n\\nwhere = 1002 + __LINE__`
            where = 990           | `\\n\\nwhere = 992`
            where = 1022          | `\\n\\nwhere = 1024`
            where = __LINE__      | `\\n\\nwhere = __LINE__ + 1`
            where += __LINE__     | `\\n\\nwhere -= __LINE__`
            told("f", __LINE__)   | `\\n\\ntold("g", __LINE__)`
            wraps(5, __LINE__)    | `\\n\\nwraps(6, __LINE__); x++`
            """)
    void whateverElseChangedIsADifference(String old, String now) {
        String after = now.replace("\\n", "\n");
        assertThat(change(compare(List.of("-g"), old, after, Types.same()))).isEqualTo(Change.CHANGED);
    }

    @Test
    void withoutDebuggingInformationOfBothNumbersAreNumbers() {
        String statement = "where = __LINE__";
        KernelModule bare = build(List.of(), statement);
        KernelModule moved = build(List.of("-g"), "\n" + statement);
        assertThat(change(Comparer.compare(bare, moved, Types.same()))).isEqualTo(Change.CHANGED);
        assertThat(change(Comparer.compare(moved, bare, Types.same()))).isEqualTo(Change.CHANGED);
    }

    @Test
    void theReasonOfADifferenceIsNotItsLine() {
        Comparison comparison = compare(
                List.of("-g"), "told(\"f\", __LINE__); where = 7", "\ntold(\"f\", __LINE__); where = 8", Types.same());
        String reason = FunctionChange.of(comparison)
                .getFirst()
                .parts()
                .getFirst()
                .reason()
                .orElseThrow()
                .text();
        assertThat(reason).contains("$0x7").contains("$0x8");
    }
}
