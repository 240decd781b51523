package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What of a module is the same in another build, and what is not: neither more nor less. */
class ComparisonTest {
    private static final String FIRST_HALF = """
            struct ops { int (*open)(int); int (*close)(int); };
            static const int weights[4] = { 1, 2, 3, 4 };
            static int limit = 10;
            int level = 3;
            static int opener(int x) { return import_a(x) + 5; }
            static int closer(int x) { return import_b(x) - 6; }
            const struct ops ops = { opener, closer };
            static noinline __attribute__((used)) int callee(int x) { return import_a(x) * 11; }
            """;

    private static final String SECOND_HALF = """
            int computes(int x) { return x * 1000 + 1; }
            int calls(int x) { return import_a(x) + 1; }
            int calls_callee(int x) { return callee(x) + 1; }
            void speaks(void) { printk("hello %d", 5); }
            int weighs(int i) { return weights[i & 3]; }
            int limits(int x) { limit += x; return limit; }
            int levels(void) { return level + 1; }
            """;

    private static final String SOURCE = FIRST_HALF + SECOND_HALF;
    private static final KernelModule BASE = TinyModule.compile(SOURCE);

    private static Set<String> names(Collection<Item> items) {
        return items.stream().map(Item::name).collect(Collectors.toSet());
    }

    private static Set<String> words(String text) {
        return text == null ? Set.of() : Set.of(text.split(" "));
    }

    private static Comparison compare(String source) {
        return Comparer.compare(BASE, TinyModule.compile(source), Types.same());
    }

    @ParameterizedTest(name = "{0} → {1}: functions {2}, objects {3}")
    @CsvSource(delimiter = '|', textBlock = """
            x * 1000            | x * 1001             | computes     |
            return import_a(x) + 1; | return import_b(x) + 1; | calls    |
            return callee(x)    | return import_a(x)   | calls_callee |
            import_a(x) * 11    | import_a(x) * 12     | callee       |
            hello               | howdy                | speaks       |
            limit = 10          | limit = 11           | limits       | limit
            level = 3           | level = 4            | levels       | level
            3, 4 }              | 3, 5 }               | weighs       | weights
            { opener, closer }  | { closer, opener }   |              | ops
            import_a(x) + 5     | import_a(x) + 7      | opener       |
            """)
    void aChangeChangesWhatItIsInAndNothingElse(String before, String after, String functions, String objects) {
        assertThat(SOURCE).contains(before);
        Comparison comparison = compare(SOURCE.replace(before, after));
        assertThat(names(Comparison.with(comparison.functions(), Change.CHANGED)))
                .isEqualTo(words(functions));
        assertThat(names(Comparison.with(comparison.objects(), Change.CHANGED))).isEqualTo(words(objects));
        assertThat(Comparison.with(comparison.functions(), Change.GONE)).isEmpty();
        assertThat(Comparison.with(comparison.objects(), Change.GONE)).isEmpty();
        assertThat(comparison.newFunctions()).isEmpty();
        assertThat(comparison.newObjects()).isEmpty();
    }

    @Test
    void anotherBuildOfTheSameSourceIsTheSame() {
        KernelModule again = TinyModule.compile("tiny", List.of("-g"), SOURCE);
        assertThat(again.buildId()).isNotEqualTo(BASE.buildId());
        assertNothingChanged(Comparer.compare(BASE, again, Types.same()));
    }

    @Test
    void theOrderOfFunctionsAndVariablesDoesNotCount() {
        String unrelated = """
                int calls(int x) { return import_a(x) + 1; }
                static const int weights[4];
                int weighs(int i) { return weights[i & 3]; }
                """;
        String rest = SOURCE.replace("int calls(int x) { return import_a(x) + 1; }\n", "")
                .replace("int weighs(int i) { return weights[i & 3]; }\n", "");
        KernelModule reordered = TinyModule.compile(unrelated + rest);
        assertThat(reordered.item("calls").orElseThrow().offset())
                .isNotEqualTo(BASE.item("calls").orElseThrow().offset());
        assertNothingChanged(Comparer.compare(BASE, reordered, Types.same()));
    }

    private static void assertNothingChanged(Comparison comparison) {
        assertThat(comparison.functions())
                .isNotEmpty()
                .allSatisfy((item, change) -> assertThat(change).as(item.name()).isEqualTo(Change.SAME));
        assertThat(comparison.objects())
                .isNotEmpty()
                .allSatisfy((item, change) -> assertThat(change).as(item.name()).isEqualTo(Change.SAME));
        assertThat(comparison.newFunctions()).isEmpty();
        assertThat(comparison.newObjects()).isEmpty();
        assertThat(comparison.refusals()).isEmpty();
    }

    @Test
    void whatOnlyOneBuildHasIsNewOrGone() {
        Comparison comparison = compare(SOURCE.replace("computes", "calculates") + "int extra = 5;");
        assertThat(names(Comparison.with(comparison.functions(), Change.GONE))).containsExactly("computes");
        assertThat(names(comparison.newFunctions())).containsExactly("calculates");
        assertThat(names(comparison.newObjects())).containsExactly("extra");
        assertThat(Comparison.with(comparison.functions(), Change.CHANGED)).isEmpty();
    }

    @Test
    void aWordThatDiffersSaysWhereAndHow() {
        Comparison comparison = compare(SOURCE.replace("{ opener, closer }", "{ opener, import_b }"));
        Item ops = comparison.newModule().item("ops").orElseThrow();
        assertThat(comparison.words().get(ops))
                .filteredOn(word -> !word.same())
                .singleElement()
                .satisfies(word -> {
                    assertThat(word.offset()).isEqualTo(8);
                    assertThat(word.width()).isEqualTo(8);
                });
    }

    @Test
    void aFunctionEscapesIfCodeStoresItAndNotIfATableThatIsRewrittenHoldsIt() {
        KernelModule module = TinyModule.compile("""
                struct ops { int (*open)(int); };
                int (*kept)(int);
                static int opener(int x) { return import_a(x) + 5; }
                static int timer(int x) { return import_b(x) - 6; }
                const struct ops ops = { opener };
                void arms(void) { kept = timer; }
                """);
        Comparison comparison = Comparer.compare(module, module, Types.same());
        assertThat(names(comparison.escaping())).containsExactly("timer");
        assertThat(names(comparison.tabled())).containsExactly("opener");
    }
}
