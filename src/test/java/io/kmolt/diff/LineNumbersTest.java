package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.btf.LineParameter;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import java.util.Optional;
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
            noinline void notes(const char *file, int line) { import_a(line); }
            noinline void report(long a, long b, long c, const char *function, int line, int error)
            {
                import_a(line + error);
            }
            int where;
            int other;
            #define REPORT(error, b) report(1, \\
                    b, \\
                    3, __func__, __LINE__, error)
            #line 1 "header.h"
            static inline void wraps(int x, int line) { if (x > 3) notes("f.c", line); }
            #line 1000 "source.c"
            int sleeps(int x)
            {
                STATEMENT; return import_a(x) + 3;
            }
            """;

    /** Types that name the parameters of the module's own functions. */
    private record Named(boolean certain) implements Types {
        @Override
        public List<Refusal> layoutDifferences() {
            return List.of();
        }

        @Override
        public Optional<String> prototypeDifference(String function) {
            return Optional.empty();
        }

        @Override
        public Optional<LineParameter> lineParameter(String function) {
            return switch (function) {
                case "notes" -> Optional.of(new LineParameter(1, certain));
                case "notes4" -> Optional.of(new LineParameter(3, certain));
                case "report" -> Optional.of(new LineParameter(4, certain));
                case "told" -> throw new AssertionError("an import: its name may be that of another function");
                default -> Optional.empty();
            };
        }
    }

    private static final Types CERTAIN = new Named(true);
    private static final Types HINT = new Named(false);

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
            notes("f.c", 11)           | notes("f.c", 12)             | SAME
            notes("f.c", 11)           | notes("g.c", 12)             | CHANGED
            notes((char *)11, 5)       | notes((char *)12, 5)         | CHANGED
            notes("f.c", 11 + x)       | notes("f.c", 12 + x)         | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 3, "f", 400, 5) | SAME
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 3, "f", 4, 6)   | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 2, 6, "f", 4, 5)   | CHANGED
            report(1, 2, 3, "f", 4, 5) | report(1, 6, 3, "f", 4, 5)   | CHANGED
            told("f.c", 11)            | told("f.c", 12)              | CHANGED
            """)
    void anArgumentThatIsDeclaredAsALineIsNoDifference(String old, String now, Change change) {
        assertThat(change(compare(List.of(), old, now, CERTAIN))).isEqualTo(change);
        if (change == Change.SAME) {
            assertThat(change(compare(List.of(), old, now, HINT))).isEqualTo(Change.CHANGED);
        }
    }

    /** gcc makes the division with a number that it moves to the register that the line goes to later. */
    @Test
    void aRegisterThatIsUsedOnTheWayIsNoArgument() {
        String divides = """
                noinline void notes4(void *a, unsigned b, const char *file, int line) { import_a(line); }
                int sleeps(unsigned *q, unsigned a, unsigned b, int line)
                {
                    q[0] = 3u << (b & 31);
                    q[1] = a / %du;
                    notes4(q, b, "half", line);
                    return 0;
                }
                """;
        KernelModule old = TinyModule.compile(divides.formatted(10));
        KernelModule now = TinyModule.compile(divides.formatted(12));
        assertThat(change(Comparer.compare(old, now, CERTAIN))).isEqualTo(Change.CHANGED);
    }

    /** A jump to another function has its distance from a relocation; its bytes lead to the next instruction. */
    @Test
    void aJumpOutOfTheFunctionLeadsToNoCall() {
        String source = """
                noinline void notes(const char *file, int line) { import_a(line); }
                int import_c(int, int);
                asm(".text; .globl sleeps; .type sleeps, @function; sleeps: mov $%d, %%esi; jmp import_c;"
                    "call notes; ret; .size sleeps, . - sleeps");
                """;
        KernelModule old = TinyModule.compile(source.formatted(10));
        KernelModule now = TinyModule.compile(source.formatted(12));
        assertThat(change(Comparer.compare(old, now, CERTAIN))).isEqualTo(Change.CHANGED);
    }

    @Test
    void ofNamesakesNobodyKnowsWhichIsDeclared() {
        String unit = "int before(int x) { return x; } " + SOURCE.replace("STATEMENT", "notes(\"f.c\", NUMBER)");
        String namesake = "static noinline int notes(const char *port, int level) { return import_b(level); }"
                + " int other_user(int x) { return notes(\"x\", x); }";
        KernelModule old = TinyModule.compile(unit.replace("NUMBER", "11"), namesake);
        KernelModule now = TinyModule.compile(unit.replace("NUMBER", "12"), namesake);
        assertThat(change(Comparer.compare(old, now, CERTAIN))).isEqualTo(Change.CHANGED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "told(\"f.c\", __LINE__)",
                "where = __LINE__",
                "printk(\"%d\", __LINE__)",
                "wraps(x, __LINE__)",
                "notes(\"f.c\",\n  __LINE__); wraps(x,\n\n __LINE__)",
                "REPORT(5,\n  x)",
                "REPORT(5, 2); told(__func__, __LINE__)"
            })
    void whatMovedWithItsSourceIsNoDifference(String statement) {
        for (String space : List.of("\n", "\n\n\n\n\n", "\n".repeat(5000))) {
            assertThat(change(compare(List.of("-g"), statement, space + statement, HINT)))
                    .as("%d lines more", space.length())
                    .isEqualTo(Change.SAME);
        }
        assertThat(change(compare(List.of("-g"), "\n\n\n" + statement, statement, HINT)))
                .isEqualTo(Change.SAME);
    }

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            where = 1002          | where = 1003
            where = 1002          | `\\n\\nwhere = 1005`
            where = 1002          | `\\n\\nwhere = 1002 + __LINE__`
            where = 1001          | `\\n\\nwhere = 1003`
            where = 1003          | `\\n\\nwhere = 1005`
            notes("f", 999)       | `\\n\\nnotes("f", 1001)`
            notes("f", 1022)      | `\\n\\nnotes("f", 1024)`
            where = __LINE__      | `\\n\\nwhere = __LINE__ + 1`
            where = __LINE__      | `\\n\\nother = __LINE__`
            where += __LINE__     | `\\n\\nwhere += __LINE__`
            where += __LINE__     | `\\n\\nwhere -= __LINE__`
            x <<= 2; where = x    | `\\n\\nx <<= 4; where = x`
            if (x > __LINE__) x++ | `\\n\\nif (x > __LINE__) x++`
            told("f", __LINE__)   | `\\n\\ntold("g", __LINE__)`
            wraps(5, __LINE__)    | `\\n\\nwraps(6, __LINE__); x++`
            """)
    void whateverElseChangedIsADifference(String old, String now) {
        String after = now.replace("\\n", "\n");
        assertThat(change(compare(List.of("-g"), old, after, HINT))).isEqualTo(Change.CHANGED);
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
        assertThat(reason("where = __LINE__", "\nother = __LINE__")).contains("refers to other instead of where");
        assertThat(reason("told(\"f\", __LINE__); where = 7", "\ntold(\"f\", __LINE__); where = 8"))
                .contains("$0x7", "$0x8");
    }

    private static String reason(String old, String now) {
        return FunctionChange.of(compare(List.of("-g"), old, now, Types.same()))
                .getFirst()
                .parts()
                .getFirst()
                .reason()
                .orElseThrow()
                .text();
    }
}
