package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Copies that cannot be told apart are neither new nor gone as long as there are as many. */
class TwinsTest {
    /** Each unit has its own copy, called by a function of one name that is another one in the other build. */
    private static String unit(int sum, int build) {
        return """
                static noinline __attribute__((used)) int copied(int x) { return import_a(x) + %d; }
                static noinline __attribute__((used)) int user(int x) { return copied(x) + %d; }
                """.formatted(sum, 100 + build);
    }

    private static String old(int sum) {
        return unit(sum, 1);
    }

    private static String now(int sum) {
        return unit(sum, 2);
    }

    private static Comparison compare(List<String> olds, List<String> news) {
        return Comparer.compare(compile(olds), compile(news), Types.same());
    }

    private static KernelModule compile(List<String> units) {
        return TinyModule.compile(units.toArray(String[]::new));
    }

    private static List<String> left(Twins twins, List<Item> items) {
        return twins.without(items).stream().map(Item::name).toList();
    }

    private static List<String> added(Comparison comparison) {
        assertThat(comparison.newFunctions()).extracting(Item::name).contains("copied", "copied");
        return left(Twins.of(comparison), comparison.newFunctions());
    }

    private static List<String> gone(Comparison comparison) {
        return left(Twins.of(comparison), Comparison.with(comparison.functions(), Change.GONE));
    }

    @Test
    void asManyCopiesAreNoDifference() {
        Comparison comparison = compare(List.of(old(1), old(1)), List.of(now(1), now(1)));
        assertThat(added(comparison)).containsExactly("user", "user");
        assertThat(gone(comparison)).containsExactly("user", "user");
    }

    @Test
    void oneMoreIsNew() {
        Comparison comparison = compare(List.of(old(1), old(1)), List.of(now(1), now(1), now(1)));
        assertThat(added(comparison)).containsOnlyOnce("copied").hasSize(4);
        assertThat(gone(comparison)).containsExactly("user", "user");
    }

    @Test
    void oneThatDoesSomethingElseIsNewAndWhatItWasIsGone() {
        Comparison comparison = compare(List.of(old(1), old(1), old(1)), List.of(now(1), now(1), now(7)));
        assertThat(added(comparison)).containsOnlyOnce("copied").hasSize(4);
        assertThat(gone(comparison)).containsOnlyOnce("copied").hasSize(4);
    }
}
