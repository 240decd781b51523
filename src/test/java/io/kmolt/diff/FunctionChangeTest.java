package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.FunctionChange.Part;
import io.kmolt.diff.FunctionChange.State;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which functions are said to differ, and what is said to be the reason. */
class FunctionChangeTest {
    private static final String SOURCE = """
            struct ops { int (*open)(int); int (*close)(int); };
            static const int weights[4] = { 1, 2, 3, 4 };
            static int limit = 10;
            int other = 10;
            static noinline __attribute__((used)) int first(int x) { return import_a(x) + 5; }
            static noinline __attribute__((used)) int second(int x) { return import_b(x) - 6; }
            int computes(int x) { return x * 1000 + 1; }
            int calls(int x) { return first(x) + 1; }
            void speaks(void) { printk("hello %d", 5); }
            int weighs(int i) { return weights[i & 3]; }
            int limits(int x) { limit += x; return limit; }
            int waits(int x) { if (x > 3) { import_a(x); } return import_b(x + 2); }
            """;

    private static final KernelModule BASE = TinyModule.compile(SOURCE);

    private static List<FunctionChange> changes(KernelModule oldModule, KernelModule newModule) {
        return FunctionChange.of(Comparer.compare(oldModule, newModule, Types.same()));
    }

    private static List<FunctionChange> changes(String source) {
        return changes(BASE, TinyModule.compile(source));
    }

    @ParameterizedTest(name = "{0} → {1}: {3}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            x * 1000            | x * 1001             | computes | CONSTANT    | imul $0x3e8, %edi, %eax → imul $0x3e9, %edi, %eax
            x * 1000 + 1        | x / 2                | computes | INSTRUCTION | → mov %edi, %eax
            return first(x)     | return second(x)     | calls    | CALL        | calls second instead of first
            hello               | howdy                | speaks   | REFERENT    | refers to "howdy %d" instead of "hello %d"
            3, 4 }              | 3, 5 }               | weighs   | CONTENTS    | refers to weights, whose contents changed
            limit = 10          | limit = 11           | limits   | CONTENTS    | refers to limit, which begins with another value
            { limit += x; return limit; } | { other += x; return other; } | limits | REFERENT | refers to other instead of limit
            import_b(x + 2)     | import_b(x + 3)      | waits    | CONSTANT    | lea 0x2(%r → lea 0x3(%r
            x > 3               | x > 4                | waits    | CONSTANT    | cmp $0x3, %edi → cmp $0x4, %edi
            """)
    void aChangedFunctionHasAReason(String before, String after, String name, Reason.Kind kind, String text) {
        assertThat(SOURCE).contains(before);
        FunctionChange change = changes(SOURCE.replace(before, after)).stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow();
        assertThat(change.state()).isEqualTo(State.CHANGED);
        Reason reason = change.parts().getFirst().reason().orElseThrow();
        assertThat(reason.kind()).as(reason.text()).isEqualTo(kind);
        for (String part : text.split("→")) {
            assertThat(reason.text()).contains(part.strip());
        }
        assertThat(reason.describe()).startsWith("at +0x");
    }

    /** What is put in behind a jump changes its distance; what was put in is the reason. */
    @Test
    void theDistanceOfAJumpIsNotTheReason() {
        FunctionChange change = changes(SOURCE.replace("import_a(x); }", "import_a(x); other++; }"))
                .getFirst();
        assertThat(change.parts().getFirst().reason().orElseThrow().text()).doesNotStartWith("j");
    }

    /** Line numbers do not count, so they are no reason either. */
    @Test
    void whatDoesNotCountIsNotTheReason() {
        String source = """
                void __might_sleep(const char *, int);
                int sleeps(int x) { __might_sleep("a.c", %d); return import_a(x) * %d; }
                """;
        FunctionChange change = changes(
                        TinyModule.compile(source.formatted(10, 3)), TinyModule.compile(source.formatted(20, 5)))
                .getFirst();
        assertThat(change.parts().getFirst().reason().orElseThrow().text())
                .isEqualTo("lea (%rax,%rax,2), %eax → lea (%rax,%rax,4), %eax");
    }

    @Test
    void theReasonSaysWhereItIsInEitherBuild() {
        Reason reason = changes(SOURCE.replace("x * 1000", "x * 1001"))
                .getFirst()
                .parts()
                .getFirst()
                .reason()
                .orElseThrow();
        // Behind the call of __fentry__, which takes five bytes.
        assertThat(reason.oldOffset()).isEqualTo(5);
        assertThat(reason.newOffset()).isEqualTo(5);
        assertThat(reason.describe()).startsWith("at +0x5: imul");
    }

    @Test
    void saysWhatAFunctionCallsNowAndWhatNoMore() {
        Part part = changes(SOURCE.replace("return first(x)", "return second(x)"))
                .getFirst()
                .parts()
                .getFirst();
        assertThat(part.callsNew()).containsExactly("second");
        assertThat(part.callsNoMore()).containsExactly("first");
    }

    @Test
    void whatIsGoneOrNewSaysWhoCallsIt() {
        List<FunctionChange> changes = changes(SOURCE.replace("first", "third"));
        assertThat(changes).extracting(FunctionChange::name).containsExactly("calls", "first", "third");
        assertThat(changes).extracting(FunctionChange::state).containsExactly(State.CHANGED, State.GONE, State.NEW);
        assertThat(changes.get(1).users()).containsExactly("calls");
        assertThat(changes.get(2).users()).containsExactly("calls");
    }

    /** The callee's change has landed where it was inlined. */
    @Test
    void aFunctionThatIsInlinedIsGoneAndItsCallerChanged() {
        List<FunctionChange> changes =
                changes(SOURCE.replace("static noinline __attribute__((used)) int first", "static inline int first"));
        assertThat(changes).extracting(FunctionChange::name).containsExactly("calls", "first");
        assertThat(changes.get(0).parts().getFirst().callsNoMore()).containsExactly("first");
        assertThat(changes.get(0).parts().getFirst().callsNew()).containsExactly("import_a");
        assertThat(changes.get(1).state()).isEqualTo(State.GONE);
        assertThat(changes.get(1).users()).containsExactly("calls");
    }

    private static final String COLD = """
            void __cold oops(int);
            int work(int x) { if (x < 0) { oops(%d); } return import_a(x) + 5; }
            """;

    @Test
    void theColdPartBelongsToItsFunction() {
        KernelModule before = TinyModule.compile(COLD.formatted(1));
        assertThat(before.item("work.cold")).isPresent();
        FunctionChange change =
                changes(before, TinyModule.compile(COLD.formatted(2))).getFirst();
        assertThat(change.name()).isEqualTo("work");
        assertThat(change.parts()).extracting(Part::symbol).containsExactly("work.cold");
    }

    private static final String CLONED = """
            struct pair { int a, b; };
            static __attribute__((__noinline__)) int sum(struct pair *p, int unused) { return import_a(p->a) + p->%s * 3; }
            int one(int x) { struct pair p = { x, 2 }; return sum(&p, 1); }
            int two(int x) { struct pair p = { 1, x }; return sum(&p, 2); }
            """;

    @Test
    void aCloneBelongsToTheFunctionThatItWasMadeFrom() {
        KernelModule before = TinyModule.compile(CLONED.formatted("b"));
        KernelModule after = TinyModule.compile(CLONED.formatted("b").replace("* 3", "* 5"));
        assertThat(before.functions()).anyMatch(f -> f.name().startsWith("sum.") && f.isClone());
        List<FunctionChange> changes = changes(before, after);
        assertThat(changes).extracting(FunctionChange::name).containsExactly("sum");
        assertThat(changes.getFirst().parts().getFirst().symbol()).startsWith("sum.");
    }

    /** What the compiler makes of it may differ: then no symbol has a counterpart, and still it is the same function. */
    @Test
    void aFunctionThatIsClonedInOneBuildOnlyIsChanged() {
        KernelModule before = TinyModule.compile(CLONED.formatted("b"));
        KernelModule after = TinyModule.compile("tiny", List.of("-fno-ipa-sra", "-fno-ipa-cp"), CLONED.formatted("b"));
        assertThat(after.item("sum")).isPresent();
        FunctionChange sum = changes(before, after).stream()
                .filter(c -> c.name().equals("sum"))
                .findFirst()
                .orElseThrow();
        assertThat(sum.state()).isEqualTo(State.CHANGED);
        assertThat(sum.parts()).extracting(Part::state).containsExactly(State.NEW, State.GONE);
    }
}
