package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which variable of one build is which of the other. Each variable begins with a number of its own, so that the right
 * answer can be read from the files; correlation does not look at contents.
 */
class CorrelationTest {
    private static final int COUNTERS = 8;
    private static final int SHUFFLES = 20;
    private static final KernelModule COUNTING = TinyModule.compile(String.join("\n", counters(-1)));

    /** Functions of the same shape, each with a counter of the same name; one of them may be changed. */
    private static List<String> counters(int changed) {
        return IntStream.range(0, COUNTERS)
                .mapToObj(i -> "int counter_%d(int x) { static int count = %d; count += x; return count %s; }"
                        .formatted(i, 100 + i, i == changed ? "* 3" : "+ 1"))
                .toList();
    }

    private static Comparison compare(KernelModule oldModule, KernelModule newModule) {
        return Comparer.compare(oldModule, newModule, Types.same());
    }

    private static int initialValue(KernelModule module, Item item) {
        return ByteBuffer.wrap(module.content(item.section()))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt((int) item.offset());
    }

    /** The variables of a stem in the new build, by initial value, and the initial values of what they continue. */
    private static Map<Integer, Integer> matched(Comparison comparison, String stem) {
        Map<Integer, Integer> matched = new TreeMap<>();
        for (Item item : comparison.newModule().objects()) {
            Item old = comparison.correlation().oldOf(item);
            if (item.stem().equals(stem) && old != null) {
                matched.put(initialValue(comparison.newModule(), item), initialValue(comparison.oldModule(), old));
            }
        }
        return matched;
    }

    private static String nameOfVariableWith(KernelModule module, int initialValue) {
        return module.objects().stream()
                .filter(i -> i.stem().equals("count") && initialValue(module, i) == initialValue)
                .map(Item::name)
                .findFirst()
                .orElseThrow();
    }

    static IntStream seeds() {
        return IntStream.range(0, SHUFFLES);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void numberedVariablesAreFoundAgainInWhateverOrderTheFunctionsStand(int seed) {
        Random random = new Random(seed);
        List<String> functions = new ArrayList<>(counters(random.nextInt(COUNTERS)));
        Collections.shuffle(functions, random);
        Comparison comparison = compare(COUNTING, TinyModule.compile(String.join("\n", functions)));
        Map<Integer, Integer> itself = new TreeMap<>();
        IntStream.range(100, 100 + COUNTERS).forEach(i -> itself.put(i, i));
        assertThat(matched(comparison, "count")).isEqualTo(itself);
        assertThat(comparison.refusals()).isEmpty();
    }

    @Test
    void aNumberSaysNothingAboutAVariable() {
        KernelModule reversed =
                TinyModule.compile(String.join("\n", counters(-1).reversed()));
        String first = nameOfVariableWith(COUNTING, 100);
        assertThat(nameOfVariableWith(reversed, 100)).isNotEqualTo(first);
        Comparison comparison = compare(COUNTING, reversed);
        Item namesake = reversed.item(first).orElseThrow();
        assertThat(Objects.requireNonNull(comparison.correlation().oldOf(namesake))
                        .name())
                .isNotEqualTo(first);
    }

    @Test
    void variablesOfOneNameInTwoFunctionsAreToldApartByTheirUsers() {
        KernelModule oldModule = TinyModule.compile("""
                int reads(int x) { static int count = 1; count += x; return count; }
                int writes(int x) { static int count = 2; count -= x; return count; }
                """);
        KernelModule newModule = TinyModule.compile("""
                int writes(int x) { static int count = 2; count -= 3 * x; return count + 1; }
                int reads(int x) { static int count = 1; count += 5 * x; return count + 1; }
                """);
        assertThat(matched(compare(oldModule, newModule), "count")).isEqualTo(Map.of(1, 1, 2, 2));
    }

    @Test
    void variablesOfOneNameInTwoFilesAreToldApartByTheirUsers() {
        String alpha = "static int count = 1; int alpha(int x) { count += x; return count; }";
        String beta = "static int count = 2; int beta(int x) { count += x; return count; }";
        Comparison comparison = compare(TinyModule.compile(alpha, beta), TinyModule.compile(beta, alpha));
        assertThat(matched(comparison, "count")).isEqualTo(Map.of(1, 1, 2, 2));
    }

    @Test
    void variablesThatNothingTellsApartStayUnmatchedAndAreRefused() {
        String source = """
                int work(int x) {
                    if (x > 10) { static int count = 1; count += import_a(x); return count; }
                    static int count = 2; count -= import_b(x); return count%s;
                }
                """;
        Comparison comparison =
                compare(TinyModule.compile(source.formatted("")), TinyModule.compile(source.formatted(" * 3")));
        assertThat(matched(comparison, "count")).isEmpty();
        assertThat(comparison.refusals()).hasSize(2).allSatisfy(refusal -> {
            assertThat(refusal.kind()).isEqualTo(Refusal.Kind.UNMATCHED);
            assertThat(refusal.subject()).startsWith("count.");
        });
        assertThat(Comparison.with(comparison.objects(), Comparison.Change.GONE))
                .hasSize(2);
    }

    @Test
    void variablesOfDifferentSizesAreNotTakenForEachOther() {
        KernelModule oldModule = TinyModule.compile("""
                int work(int x) { static int state = 1; static long other = 2; state += x; other += state; return other; }
                """);
        KernelModule newModule = TinyModule.compile("""
                int work(int x) { static long state = 1; state += 3 * x; return state; }
                """);
        Comparison comparison = compare(oldModule, newModule);
        assertThat(matched(comparison, "state")).isEmpty();
        assertThat(comparison.refusals()).extracting(Refusal::kind).containsExactly(Refusal.Kind.UNMATCHED);
    }

    @Test
    void theColdPartOfAFunctionGoesWithIt() {
        String source = """
                void __cold oops(int);
                static noinline int work(int x) { if (x < 0) { oops(%d); } return import_%s(x) + %d; }
                int %s(int x) { return work(x) + 1; }
                """;
        String alpha = source.formatted(1, "a", 5, "alpha");
        String beta = source.formatted(2, "b", 6, "beta");
        KernelModule oldModule = TinyModule.compile(alpha, beta);
        KernelModule newModule = TinyModule.compile(beta, alpha);
        Comparison comparison = compare(oldModule, newModule);
        List<Item> cold = newModule.functions().stream()
                .filter(i -> i.name().equals("work.cold"))
                .toList();
        assertThat(cold).hasSize(2);
        assertThat(comparison.functions().values()).containsOnly(Comparison.Change.SAME);
        // The order of the two is reversed, and so is that of their cold parts.
        List<Item> before = cold.stream()
                .map(i -> Objects.requireNonNull(comparison.correlation().oldOf(i)))
                .toList();
        assertThat(before.get(0).offset()).isGreaterThan(before.get(1).offset());
    }
}
