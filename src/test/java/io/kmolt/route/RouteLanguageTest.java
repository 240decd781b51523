package io.kmolt.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.route.RandomRoute.Expression;
import io.kmolt.route.RandomRoute.Facts;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a route may say, and what is said about one that may not. */
class RouteLanguageTest {
    private static final RouteContext PIPE_WRITE = new RouteContext(
            "pipe_write", List.of(2, 1), List.of(new ArgumentType(64, false), new ArgumentType(32, true)));

    private static Route compile(String text) throws RouteException {
        return RouteCompiler.compile(text, PIPE_WRITE);
    }

    private static RouteException refused(String text) {
        RouteException refused = catchThrowableOfType(RouteException.class, () -> compile(text));
        assertThat(refused).as("compile(%s)", text).isNotNull();
        return refused;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '@',
            quoteCharacter = '`',
            value = {
                "uid = 1000 ? 1 : 0 @ 5 @ '=' is no operator; did you mean '=='?",
                "uid == 1000 ? 3 : 0 @ 15 @ there is no edition 3 of pipe_write; there are 1 and 2",
                "uid == 1000 ? 1 : cpu == 1 ? 0 : 1 + 2 @ 34 @ there is no edition 3 of pipe_write",
                "-1 @ 1 @ there is no edition -1 of pipe_write",
                "uid == 1000 @ 1 @ this is a condition, and a route makes the number of an edition; append '? 1 : 0'",
                "-(uid == 0) @ 3 @ '-' takes a number, and this is a condition",
                "arg1 & 1 != 0 ? 1 : 0 @ 8 @ '&' takes numbers, and this is a condition; '!=' binds tighter than '&', as in C",
                "0 < cpu < 3 ? 1 : 0 @ 1 @ '<' takes numbers, and this is a condition; comparisons are joined with '&&'",
                "(cpu == 0 ? 1 : cpu == 1) == 1 ? 1 : 0 @ 17 @ before the ':' stands a number, and this is a condition",
                "arg2 @ 1 @ there is no arg2 of pipe_write; there are arg0 to arg1",
                "arg06 @ 1 @ there is no arg06 of pipe_write",
                "arg999999999 @ 1 @ there is no arg999999999",
                "udi == 0 ? 1 : 0 @ 1 @ there is no 'udi'; did you mean 'uid'?",
                "UID == 0 ? 1 : 0 @ 1 @ did you mean 'uid'?",
                "tid == 0 ? 1 : 0 @ 1 @ did you mean",
                "comm == 0 ? 1 : 0 @ 1 @ there are uid, gid, pid, tgid, cpu, arg0 to arg5 and switch(`name`)",
                "uid == 0 and cpu == 1 ? 1 : 0 @ 10 @ an operator is missing before 'and'; did you mean '&&'?",
                "uid is 0 ? 1 : 0 @ 5 @ did you mean '=='?",
                "uid == 1000 ? 1 @ 16 @ ':' is missing before the end, which says what is chosen otherwise",
                "(uid == 1000 ? 1 : 0 @ 21 @ ')' is missing before the end, which closes the parenthesis of column 1",
                "1) @ 2 @ this ')' closes nothing",
                "1 : 0 @ 3 @ this ':' belongs to no '?'",
                "1 2 @ 3 @ an operator is missing before '2'",
                "uid == ? 1 : 0 @ 8 @ a number or a name is missing before '?'",
                "1 + @ 4 @ a number or a name is missing before the end",
                "cpu / 2 @ 5 @ there is no division in a route",
                "cpu % 2 @ 5 @ there is no '%' in a route",
                "cpu << 64 @ 8 @ '<<' by 64; a number has 64 bits",
                "cpu >> -1 @ 8 @ '>>' by -1",
                "010 @ 1 @ '010' would be octal in C",
                "12ab @ 1 @ '12ab' is no number",
                "0x @ 1 @ '0x' is no hexadecimal number",
                "0xg @ 1 @ '0xg' is no hexadecimal number",
                "0x10000000000000000 @ 1 @ does not fit into 64 bits",
                "9223372036854775808 @ 1 @ does not fit into 64 bits with a sign",
                "99999999999999999999999 @ 1 @ does not fit into 64 bits with a sign",
                "switch @ 7 @ '(' is missing before the end, as in switch(`name`)",
                "switch(a) @ 8 @ the name of a switch stands in double quotes",
                "switch('a') @ 8 @ a string stands in double quotes",
                "switch(``) @ 8 @ the name of a switch is 1 to 31",
                "switch(`a b`) @ 8 @ the name of a switch is 1 to 31",
                "switch(`a @ 8 @ this string has no end",
                "switch(`a\u001b`) @ 10 @ the character U+001B has no meaning",
                "switch(`a` @ 11 @ ')' is missing before the end",
                "uid == `root` ? 1 : 0 @ 8 @ a number or a name is missing before `root`",
                "uid == 1; 1 @ 9 @ ';' has no meaning in a route",
                "uid ≥ 1 @ 5 @ the character U+2265 has no meaning",
            })
    void isRefusedWithTheColumn(String text, int column, String problem) {
        RouteException refused = refused(text.replace('`', '"'));
        assertThat(refused.problem()).contains(problem.replace('`', '"'));
        assertThat(refused.column()).isEqualTo(column);
        assertThat(refused).hasMessage("column " + column + ": " + refused.problem());
    }

    @Test
    void anErrorIsShownUnderItsColumn() {
        assertThat(refused("uid = 1000 ? 1 : 0").rendered()).isEqualTo("""
                        uid = 1000 ? 1 : 0
                            ^ column 5: '=' is no operator; did you mean '=='?""");
        assertThat(refused("\tuid\u001b[31m").rendered())
                .isEqualTo(" uid?[31m\n    ^ column 5: the character U+001B has no meaning in a route");
    }

    @Test
    void emptyOnesAndLongOnesAreRefused() throws Exception {
        for (String empty : List.of("", "  ", "\t")) {
            assertThat(refused(empty).problem()).startsWith("the route is empty");
        }
        assertThat(compile("1" + " ".repeat(254)).constant()).hasValue(1);
        assertThat(refused("1" + " ".repeat(255)).column()).isEqualTo(256);
        assertThat(refused("1".repeat(100_000)).rendered()).hasLineCount(2).hasSizeLessThan(1000);
    }

    @Test
    void aRouteIsOneLine() {
        assertThat(refused("uid == 0\n? 1 : 0").problem()).isEqualTo("a route is one line");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "-", "!", "~", "1-("})
    void deepNestingIsRefused(String step) {
        RouteException refused = refused(step.repeat(250 / step.length()));
        assertThat(refused.problem()).isEqualTo("this is nested more than 64 deep");
    }

    @Test
    void aFunctionWithoutEditionsOrArgumentsSaysSo() {
        RouteContext bare = new RouteContext("schedule", List.of(), List.of());
        assertThat(catchThrowableOfType(RouteException.class, () -> RouteCompiler.compile("1", bare)))
                .hasMessageEndingWith("there is no edition 1 of schedule; it has none");
        assertThat(catchThrowableOfType(RouteException.class, () -> RouteCompiler.compile("arg0", bare)))
                .hasMessageEndingWith("none of its arguments can be used");
        assertThatCode(() -> RouteCompiler.compile("0", bare)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '@',
            value = {
                "1 + 2 * 3 @ 7",
                "2 * 3 + 1 @ 7",
                "10 - 4 - 3 @ 3",
                "1 << 2 + 1 @ 8",
                "1 | 6 ^ 5 & 4 @ 3",
                "-9223372036854775808 @ -9223372036854775808",
                "9223372036854775807 + 1 @ -9223372036854775808",
                "0xffffffffffffffff @ -1",
                "0x000000000000000000001 @ 1",
                "--5 @ 5",
                "~0 @ -1",
                "-8 >> 1 @ -4",
                "1 < 2 ? 3 : 4 @ 3",
                "1 < 2 == 1 < 2 ? 3 : 4 @ refused",
                "1 == 2 || 3 == 3 && 1 == 2 ? 3 : 4 @ 4",
                "!(1 == 2) && 3 != 4 ? 3 : 4 @ 3",
                "1 == 1 ? 2 == 3 ? 4 : 5 : 6 @ 5",
                "(1 == 1 ? 1 == 2 : 1 == 1) ? 5 : 6 @ 6",
                "uid >= 0 ? 8 : 9 @ 8",
                "uid == -1 ? 8 : 9 @ 9",
                "cpu <= 0x7fffffff ? 8 : 9 @ 8",
                "arg1 > 0x7fffffff ? 8 : 9 @ 9",
                "arg0 * 0 @ 0",
                "cpu == 7 ? 4 : 4 @ 4",
            })
    void constantsAreComputedAsInC(String text, String value) throws Exception {
        RouteContext any = new RouteContext("f", List.of(1), PIPE_WRITE.arguments());
        if (value.equals("refused")) {
            assertThat(refused(text).problem()).contains("takes numbers");
            return;
        }
        // A shift of two places the number where no edition has one, and is no neutral operation.
        Route route = RouteCompiler.compile("(" + text + ") == " + value + " ? 1 : 0", any);
        assertThat(route.constant()).hasValue(1);
    }

    @Test
    void constantExpressionsAreComputedBeforehand() {
        Random random = new Random(7);
        RandomRoute routes = new RandomRoute(random, List.of("1", "2", "77"));
        Facts facts = new Facts(Map.of("1", 1L, "2", 2L, "77", 77L));
        int computed = 0;
        for (int i = 0; i < 5000; i++) {
            Expression expression = routes.number(1 + random.nextInt(12));
            String text = "(" + expression.text() + ") == " + expression.value(facts) + " ? 1 : 0";
            try {
                assertThat(compile(text).constant()).as(text).hasValue(1);
                computed++;
            } catch (RouteException e) {
                assertThat(e.problem()).containsAnyOf("a number has 64 bits", "at most 255");
            }
        }
        assertThat(computed).isGreaterThan(3000);
    }

    @Test
    void knowsWhereCallsCanGo() throws Exception {
        assertThat(compile("uid == 0 ? 2 : 0").outcomes()).containsExactly(0, 2);
        assertThat(compile("uid == 0 ? 2 : 1").outcomes()).containsExactly(1, 2);
        assertThat(compile("cpu").outcomes()).containsExactly(0, 1, 2);
        assertThat(compile("cpu").constant()).isEmpty();
        assertThat(compile("2 - 1").constant()).hasValue(1);
        assertThat(compile("uid == 0 ? 2 : 0").text()).isEqualTo("uid == 0 ? 2 : 0");
    }

    @Test
    void knowsItsSwitches() throws Exception {
        assertThat(compile("switch(\"b\") == 1 && -switch(\"a\") < 3 ? switch(\"b\") : ~switch(\"c-1\")")
                        .switches())
                .containsExactly("a", "b", "c-1");
        assertThat(compile("uid == 0 ? 1 : 0").switches()).isEmpty();
    }

    @Test
    void hostileTextIsRefusedAndNothingElseHappens() {
        Random random = new Random(3);
        String[] words = {
            "uid",
            "gid",
            "cpu",
            "arg0",
            "arg1",
            "switch(\"x\")",
            "switch",
            "(",
            ")",
            "?",
            ":",
            "+",
            "-",
            "*",
            "<<",
            ">>",
            "&",
            "^",
            "|",
            "~",
            "!",
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "&&",
            "||",
            "0",
            "1",
            "2",
            "0x7fffffffffffffff",
            "\"",
            "=",
            " ",
            "99999999999999999999",
            "\0",
            "\ud800",
            "é",
            "\n"
        };
        int understood = 0;
        for (int round = 0; round < 60_000; round++) {
            StringBuilder text = new StringBuilder();
            int length = random.nextInt(random.nextInt(10) == 0 ? 120 : 9);
            for (int i = 0; i < length; i++) {
                text.append(
                        round % 5 == 0
                                ? String.valueOf((char) random.nextInt(160))
                                : words[random.nextInt(words.length)]);
            }
            understood += survives(text.toString()) ? 1 : 0;
        }
        assertThat(understood).isGreaterThan(500);
    }

    @Test
    void damagedRoutesAreRefusedOrUnderstood() {
        Random random = new Random(4);
        RandomRoute routes = new RandomRoute(random, List.of("uid", "arg0", "arg1", "switch(\"a\")"));
        for (int round = 0; round < 10_000; round++) {
            StringBuilder text = new StringBuilder(routes.condition(1 + random.nextInt(20))
                            .text() + " ? " + routes.number(5).text() + " : 0");
            for (int i = random.nextInt(3); i >= 0; i--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.deleteCharAt(at);
                    case 1 -> text.insert(at, text.charAt(random.nextInt(text.length())));
                    default -> text.setCharAt(at, (char) (32 + random.nextInt(95)));
                }
            }
            survives(text.toString());
        }
    }

    /** Whether it was understood; then there is code for it. */
    private static boolean survives(String text) {
        try {
            Route route = compile(text);
            assertThat(Dispatchers.assemble(Machine.LAYOUT, List.of(new DispatcherRequest(route, false)))
                            .code())
                    .isNotEmpty();
            return true;
        } catch (RouteException e) {
            assertThat(e.column()).isBetween(1, Math.min(text.length() + 1, 256));
            assertThat(e.rendered()).hasLineCount(2);
            return false;
        }
    }

    @Test
    void contextsHaveNumbersOfEditionsOnly() {
        for (int edition : new int[] {0, -1, 256}) {
            assertThatCode(() -> new RouteContext("f", List.of(edition), List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        List<ArgumentType> seven = Collections.nCopies(7, new ArgumentType(64, true));
        assertThatCode(() -> new RouteContext("f", List.of(1), seven)).isInstanceOf(IllegalArgumentException.class);
    }
}
