package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which builds are too old to go back to, and which of these can be dropped. */
class SurplusTest {
    /** Six builds, one on the other; and two that do not take part. */
    private static CoreState state(Map<String, String> staying) {
        StringBuilder files = new StringBuilder("./modules/m/current:m6\n");
        for (int i = 1; i <= 6; i++) {
            String name = "m" + i;
            files.append("./modules/m/%s/state:%s\n".formatted(name, i == 6 ? "current" : "superseded"));
            files.append("./modules/m/%s/previous:%s\n".formatted(name, i == 1 ? "base" : "m" + (i - 1)));
            files.append("./modules/m/%s/stays:%s\n".formatted(name, staying.getOrDefault(name, "no")));
        }
        files.append("./modules/m/m0/state:retired\n./modules/m/m0/previous:base\n./modules/m/m0/stays:sticky\n");
        files.append("./modules/m/m7/state:retired\n./modules/m/m7/previous:m2\n./modules/m/m7/stays:dropped\n");
        files.append("./modules/m/m7/build_id:77\n./modules/m/m0/build_id:00\n");
        return CoreState.parse(files.toString());
    }

    @ParameterizedTest
    @CsvSource({"0, m1 m2 m3 m4 m5", "1, m1 m2 m3 m4", "4, m1", "5, ''", "9, ''"})
    void allSupersededOnesButTheLastFewOldestFirst(int keep, String expected) {
        assertThat(String.join(
                        " ",
                        Surplus.of(state(Map.of()), "m", keep).stream()
                                .map(LoadedEdition::name)
                                .toList()))
                .isEqualTo(expected);
    }

    @Test
    void thoseThatHaveToStayCountAndAreLeftOut() {
        CoreState state = state(Map.of("m1", "sticky", "m2", "used", "m5", "held"));
        assertThat(Surplus.of(state, "m", 1)).extracting(LoadedEdition::name).containsExactly("m3", "m4");
        assertThat(Surplus.of(state, "another", 0)).isEmpty();
    }

    @Test
    void aCoreThatDoesNotSayWhatStaysHasNothingToDrop() {
        assertThat(Surplus.of(state(Map.of("m1", "")), "m", 4)).isEmpty();
    }

    @Test
    void whatWasDroppedAndIsStillLoadedIsLeftOverAndDoesNotAnswerAgain() {
        CoreState state = state(Map.of());
        assertThat(Surplus.leftovers(state, "m"))
                .extracting(LoadedEdition::name)
                .containsExactly("m7");
        assertThat(state.retired("m", "77", "m2")).isEmpty();
        assertThat(state.retired("m", "00", "")).contains("m0");
    }

    @Test
    void whatStandsOnSomethingThatIsGoneDoesNotAnswerAgain() {
        CoreState state = CoreState.parse("""
                ./modules/m/current:base
                ./modules/m/m1/state:retired
                ./modules/m/m1/build_id:11
                ./modules/m/m1/previous:base
                ./modules/m/m1/passes_over:1
                """);
        assertThat(state.retired("m", "11", "")).isEmpty();
    }
}
