package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.LabOptions;
import io.kmolt.route.Explanation.Way;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a route costs at each call, counted exactly: the time stamp counter of this guest advances by one per instruction.
 *
 * <p>Edition 1 has as many instructions as the original, so what is beyond an unpatched call is the route's.
 */
@Tag("lab")
@Tag("stock")
class EditionCostTest {
    private static final String TARGET = "kmolt_cost:kmolt_cost_target";
    private static final int CALLS = 1000;
    private static final int USER = 1000;

    /** What each call returns, times the number of calls. */
    private static final long ORIGINAL = 3 * CALLS;

    private static final long LIKE_THE_ORIGINAL = 4 * CALLS;
    private static final long ON_TOP_OF_THE_ORIGINAL = 5 * CALLS;
    private static final long LIVEPATCH = 7 * CALLS;
    private static final long ON_TOP_OF_LIVEPATCH = 9 * CALLS;

    private static final Pattern LINE = Pattern.compile("calls=1000 ticks=\\d+ empty=\\d+ cost=(\\d+) sum=(\\d+)");

    private static @Nullable EditionGuest guest;
    private static final List<String> TABLE = new ArrayList<>();
    private static int unpatched;

    @BeforeAll
    static void boot() throws Exception {
        guest = EditionGuest.boot(LabOptions.defaults().withIcount());
        guest().insert("kmolt_cost", "");
        unpatched = instructions(0, ORIGINAL);
    }

    @BeforeEach
    void load() throws Exception {
        guest().load("tests/editions/updates/cost_edition.c");
        assertThat(beyond("loaded, no route", 0, ORIGINAL)).isZero();
    }

    @AfterEach
    void afterwardsACallCostsWhatItDidBefore() throws Exception {
        guest().route(TARGET, "0");
        assertThat(beyond("route 0", 0, ORIGINAL)).isZero();
        guest().unload("cost_edition");
        assertThat(beyond("unloaded", 0, ORIGINAL)).isZero();
        assertThat(guest().tracedFunctions()).isEmpty();
        guest().assertQuiet();
    }

    @AfterAll
    static void stop() throws IOException {
        System.out.printf("instructions per call beyond the unpatched %d:%n", unpatched);
        TABLE.forEach(System.out::println);
        guest().close();
    }

    private static EditionGuest guest() {
        return Objects.requireNonNull(guest);
    }

    /** What a call costs that a user makes; the second time to the digit what the first time. */
    private static int instructions(int user, long sum) throws IOException {
        String read = EditionGuest.as(user) + "cat /proc/kmolt_cost";
        String first = guest().sh(read);
        assertThat(guest().sh(read)).isEqualTo(first);
        Matcher line = LINE.matcher(first);
        assertThat(line.matches()).as(first).isTrue();
        assertThat(Long.parseLong(line.group(2))).as("who answers: " + first).isEqualTo(sum);
        assertThat(Integer.parseInt(line.group(1)) % CALLS).as(first).isZero();
        return Integer.parseInt(line.group(1)) / CALLS;
    }

    private static int beyond(String what, int user, long sum) throws IOException {
        int beyond = instructions(user, sum) - unpatched;
        String row = "  %-70s %4d".formatted(what, beyond);
        if (!TABLE.contains(row)) {
            TABLE.add(row);
        }
        return beyond;
    }

    /** Measures a way that a route leads, without counting and with it, against what kmolt says of it. */
    private static int measured(String route, int user, int outcome, long sum, int limit) throws Exception {
        String what = "%s, uid %d → %s".formatted(route, user, outcome == 0 ? "original" : "edition " + outcome);
        Way way = way(guest().route(false, TARGET, route), outcome);
        int plain = beyond(what, user, sum);
        Way counting = way(guest().route(true, TARGET, route), outcome);
        int counted = beyond(what + ", counting", user, sum);
        assertThat(guest().function("cost_edition", TARGET).hits().get(outcome)).isPositive();
        assertThat(plain).as(what).isPositive().isLessThanOrEqualTo(limit);
        assertThat(counted - plain).as(what + ", counting").isEqualTo(2);
        // The call stands where a nop was; an edition begins with one of its own.
        int noLonger = outcome == 0 ? 1 : 0;
        assertThat(way).isEqualTo(new Way(outcome, plain + noLonger, plain + noLonger, 0));
        assertThat(counting).isEqualTo(new Way(outcome, plain + noLonger, plain + noLonger, 2));
        return plain;
    }

    /** What kmolt says that a call costs. */
    private static Way way(Routing.Report report, int outcome) {
        return report.functions().getFirst().ways().stream()
                .filter(w -> w.edition() == outcome)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void anEditionForEverybodyCostsThreeInstructions() throws Exception {
        measured("1", 0, 1, LIKE_THE_ORIGINAL, 3);
    }

    @Test
    void aChoiceByUserCostsTenOnTheWayToAnEditionAndEightOnTheWayToTheOriginal() throws Exception {
        int edition = measured("uid == 1000 ? 1 : 0", USER, 1, LIKE_THE_ORIGINAL, 10);
        int original = measured("uid == 1000 ? 1 : 0", 0, 0, ORIGINAL, 8);
        guest().livepatch("kmolt_lp_cost", "");
        assertThat(beyond("uid == 1000 ? 1 : 0, and upstream's livepatch, uid 1000 → edition", USER, LIKE_THE_ORIGINAL))
                .isGreaterThan(edition);
        assertThat(beyond("uid == 1000 ? 1 : 0, and upstream's livepatch, uid 0 → livepatch", 0, LIVEPATCH))
                .isGreaterThan(original);
        guest().unpatch("kmolt_lp_cost");
        // Its dispatcher looks for calls by editions from now on, which costs three instructions.
        assertThat(beyond(
                        "uid == 1000 ? 1 : 0, after a livepatch, counting, uid 1000 → edition",
                        USER,
                        LIKE_THE_ORIGINAL))
                .isEqualTo(edition + 2 + 3);
    }

    @Test
    void aChoiceBySwitchCostsLessThanOneByUser() throws Exception {
        String route = "switch(\"cost\") ? 1 : 0";
        SwitchWord.set(guest().target(), "cost", 0);
        measured(route, 0, 0, ORIGINAL, 5);
        SwitchWord.set(guest().target(), "cost", 1);
        measured(route, 0, 1, LIKE_THE_ORIGINAL, 6);
    }

    @Test
    void upstreamsLivepatchOfTheSameFunctionCostsManyTimesAsMuch() throws Exception {
        int edition = measured("1", 0, 1, LIKE_THE_ORIGINAL, 3);
        guest().route(TARGET, "0");
        guest().livepatch("kmolt_lp_cost", "");
        assertThat(beyond("upstream's livepatch, no route", 0, LIVEPATCH)).isGreaterThan(10 * edition);
        guest().unpatch("kmolt_lp_cost");
    }

    @Test
    void callingTheOriginalCostsLittleUnlessSomebodyElseIsAtTheFunction() throws Exception {
        guest().route(false, TARGET, "2");
        int alone = beyond("2, which calls the original", 0, ON_TOP_OF_THE_ORIGINAL);
        // The dispatcher, the stub between edition and original, and the edition's own call, addition and return.
        assertThat(alone).isEqualTo(3 + 3 + 3);
        guest().livepatch("kmolt_lp_cost", "");
        assertThat(guest().function("cost_edition", TARGET).shared()).isTrue();
        assertThat(beyond("2, which calls the livepatch", 0, ON_TOP_OF_LIVEPATCH))
                .isGreaterThan(10 * alone);
        guest().unpatch("kmolt_lp_cost");
        assertThat(beyond("2, which calls the original by its entry, after a livepatch", 0, ON_TOP_OF_THE_ORIGINAL))
                .isBetween(alone, alone + 12);
    }
}
