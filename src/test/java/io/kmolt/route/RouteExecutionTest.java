package io.kmolt.route;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.route.RandomRoute.Expression;
import io.kmolt.route.RandomRoute.Facts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dispatchers do on the processor what their routes say. */
class RouteExecutionTest {
    private static final List<Integer> EDITIONS = List.of(1, 2, 5, 130, 255);
    private static final List<String> LEAVES = List.of(
            "arg0",
            "arg1",
            "arg2",
            "arg3",
            "arg4",
            "arg5",
            "uid",
            "gid",
            "pid",
            "tgid",
            "cpu",
            "switch(\"a\")",
            "switch(\"b.c\")");
    private static final List<ArgumentType> WORDS = Collections.nCopies(6, new ArgumentType(64, true));
    private static final long[] EDGES = {0, 1, -1, 2, 5, 127, 128, 255, 1000, 65535, 0x7fffffffL, 0x80000000L, 1L << 63
    };

    private final Machine machine = open();

    private static Machine open() {
        try {
            return new Machine();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void close() {
        machine.close();
    }

    @BeforeEach
    void inForce() {
        machine.setGo(1);
    }

    private static DispatcherCode dispatcher(String text, List<ArgumentType> types) throws RouteException {
        Route route = RouteCompiler.compile(text, new RouteContext("f", EDITIONS, types));
        return Dispatchers.assemble(Machine.LAYOUT, List.of(new DispatcherRequest(route, false)));
    }

    private int run(String text, long... arguments) throws Throwable {
        DispatcherCode code = dispatcher(text, WORDS);
        machine.load(code);
        return machine.run(code.label(0, Label.Kind.ENTRY), 0, Arrays.copyOf(arguments, 6));
    }

    @Test
    void constantsLeadToTheirEdition() throws Throwable {
        assertThat(run("0")).isZero();
        assertThat(run("1")).isEqualTo(1);
        assertThat(run("255")).isEqualTo(255);
    }

    @Test
    void whatIsComputedLeadsToTheEditionOfThatNumberOrToTheOriginal() throws Throwable {
        assertThat(run("arg0", 130)).isEqualTo(130);
        assertThat(run("arg0", 131)).isZero();
        assertThat(run("arg0 + arg1", 2, 3)).isEqualTo(5);
        assertThat(run("arg0 - arg1", 2, 3)).isZero();
        assertThat(run("arg0", (1L << 32) | 1)).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomRoutesMeanOnTheProcessorWhatTheyMeanInC(long seed) throws Throwable {
        Random random = new Random(seed);
        RandomRoute routes = new RandomRoute(random, LEAVES);
        int tried = 0;
        while (tried < 300) {
            List<ArgumentType> types = types(random);
            int size = 1 + random.nextInt(30);
            Expression condition = routes.condition(size);
            Expression number = routes.number(size);
            Facts expected = facts(random, types, new long[6]);
            List<Expression> expressions = List.of(
                    new Expression("(" + condition.text() + ") ? 2 : 5", 0, f -> condition.value(f) != 0 ? 2 : 5),
                    new Expression("(" + number.text() + ") & 7", 0, f -> number.value(f) & 7),
                    new Expression(
                            "(" + number.text() + ") == " + number.value(expected) + " ? 1 : 2",
                            0,
                            f -> number.value(f) == number.value(expected) ? 1 : 2),
                    new Expression(
                            "(" + condition.text() + ") ? " + number.text() + " : 255",
                            0,
                            f -> condition.value(f) != 0 ? number.value(f) : 255));
            for (Expression expression : expressions) {
                if (tried(expression, types, random)) {
                    tried++;
                }
            }
        }
    }

    private boolean tried(Expression expression, List<ArgumentType> types, Random random) throws Throwable {
        DispatcherCode code;
        try {
            code = dispatcher(expression.text(), types);
        } catch (RouteException e) {
            // What is too long, or has a constant for a result or for a count that is none.
            assertThat(e.rendered()).containsAnyOf("at most 255", "there is no edition", "a number has 64 bits");
            return false;
        }
        machine.load(code);
        for (int round = 0; round < 5; round++) {
            long[] arguments = new long[6];
            Facts facts = facts(random, types, arguments);
            long value = expression.value(facts);
            int expected = value >= 1 && value <= 255 && EDITIONS.contains((int) value) ? (int) value : 0;
            assertThat(machine.run(code.label(0, Label.Kind.ENTRY), random.nextLong(), arguments))
                    .as("%s of %s with %s", expression.text(), types, facts)
                    .isEqualTo(expected);
        }
        return true;
    }

    private static List<ArgumentType> types(Random random) {
        List<ArgumentType> types = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            types.add(new ArgumentType(8 << random.nextInt(4), random.nextBoolean()));
        }
        return types;
    }

    /** Fills {@code arguments} with what the registers hold; what is beyond an argument's bits is rubbish. */
    private Facts facts(Random random, List<ArgumentType> types, long[] arguments) {
        Map<String, Long> values = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            ArgumentType type = types.get(i);
            long edge = random.nextInt(5) == 0 ? random.nextLong() : EDGES[random.nextInt(EDGES.length)];
            int unused = 64 - type.bits();
            long low = (edge << unused) >>> unused;
            arguments[i] = unused == 0 ? edge : (random.nextLong() << type.bits()) | low;
            values.put("arg" + i, type.signed() ? (edge << unused) >> unused : low);
        }
        int[] task = new int[5];
        for (int i = 0; i < task.length; i++) {
            task[i] = random.nextInt(5) == 0 ? random.nextInt() : (int) EDGES[random.nextInt(EDGES.length)];
        }
        machine.setTask(task[0], task[1], task[2], task[3], task[4]);
        values.put("uid", Integer.toUnsignedLong(task[0]));
        values.put("gid", Integer.toUnsignedLong(task[1]));
        values.put("pid", (long) task[2]);
        values.put("tgid", (long) task[3]);
        values.put("cpu", (long) task[4]);
        for (String name : List.of("a", "b.c")) {
            long value = random.nextInt(5) == 0 ? random.nextLong() : EDGES[random.nextInt(EDGES.length)];
            machine.set(name, value);
            values.put("switch(\"" + name + "\")", value);
        }
        return new Facts(values);
    }

    @Test
    void callsAreCountedWhereTheyGo() throws Throwable {
        Route route =
                RouteCompiler.compile("uid == 1000 ? 1 : gid == 7 ? 2 : 0", new RouteContext("f", EDITIONS, WORDS));
        Map<Integer, Long> counters = Map.of(0, Machine.counterAddress(0), 1, Machine.counterAddress(1));
        DispatcherCode code =
                Dispatchers.assemble(Machine.LAYOUT, List.of(new DispatcherRequest(route, false, counters)));
        machine.load(code);
        Label entry = code.label(0, Label.Kind.ENTRY);
        machine.setTask(1000, 0, 1, 1, 0);
        assertThat(machine.run(entry, 0, new long[6])).isEqualTo(1);
        assertThat(machine.run(entry, 0, new long[6])).isEqualTo(1);
        machine.setTask(1, 7, 1, 1, 0);
        assertThat(machine.run(entry, 0, new long[6])).isEqualTo(2);
        machine.setTask(1, 1, 1, 1, 0);
        assertThat(machine.run(entry, 0, new long[6])).isZero();
        assertThat(machine.counter(1)).isEqualTo(2);
        assertThat(machine.counter(0)).isEqualTo(1);
    }

    @Test
    void aMarkedCallStaysWithTheOriginalAndTheMarkIsGone() throws Throwable {
        for (boolean hasOld : new boolean[] {false, true}) {
            DispatcherCode code = both(hasOld);
            machine.load(code);
            for (int go = 0; go < 2; go++) {
                machine.setGo(go);
                for (Label.Kind kind : List.of(Label.Kind.SHARED, Label.Kind.FIRST_SHARED)) {
                    for (int function = 0; function < 2; function++) {
                        assertThat(machine.run(code.label(function, kind), machine.markerAddress(), new long[6]))
                                .isZero();
                        assertThat(machine.saved(10)).isZero();
                    }
                }
            }
        }
    }

    @Test
    void theFirstEntriesWaitForTheSignal() throws Throwable {
        for (boolean hasOld : new boolean[] {false, true}) {
            DispatcherCode code = both(hasOld);
            machine.load(code);
            for (Label.Kind kind : List.of(Label.Kind.FIRST, Label.Kind.FIRST_SHARED)) {
                machine.setGo(0);
                assertThat(machine.run(code.label(0, kind), 0, new long[6])).isEqualTo(hasOld ? Machine.OLD : 0);
                machine.setGo(1);
                assertThat(machine.run(code.label(0, kind), 0, new long[6])).isEqualTo(1);
                assertThat(machine.run(code.label(1, kind), 0, new long[6])).isEqualTo(2);
            }
            assertThat(machine.run(code.label(1, Label.Kind.SHARED), 0, new long[6]))
                    .isEqualTo(2);
        }
    }

    private static DispatcherCode both(boolean hasOld) throws RouteException {
        RouteContext context = new RouteContext("f", EDITIONS, WORDS);
        return Dispatchers.assemble(
                Machine.LAYOUT,
                List.of(
                        new DispatcherRequest(RouteCompiler.compile("1", context), hasOld),
                        new DispatcherRequest(RouteCompiler.compile("2", context), hasOld)));
    }
}
