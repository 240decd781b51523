package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which builds must not take over, and which may. */
class VerdictTest {
    private static final String SOURCE = """
            struct event { int (*probe)(int); };
            static char buffer[64];
            static const int weights[4] = { 1, 2, 3, 4 };
            static int ready;
            int mode = 1;
            int (*const table[])(int) = { import_a, import_b };
            static noinline int prepares(int x) { ready = x; return x * 7; }
            static noinline int checks(int x) { return x * 9; }
            static int probes(int x) { return x * 5; }
            static struct event event = { probes };
            static struct event *registered __attribute__((section("_ftrace_events"), used)) = &event;
            VERSION(import_a, 0x1234);
            int uses(int i) { buffer[i] = weights[i & 3]; return buffer[i / 2] + ready + mode + checks(i); }
            EXPORT(uses, 0x55);
            int works(int x) { return import_a(x) * 2; }
            int __init init_module(void) { return prepares(3) + checks(4); }
            void __exit cleanup_module(void) { ready = 0; }
            """;

    private static final KernelModule BASE = TinyModule.compile(SOURCE);

    private static String replaced(String before, String after) {
        assertThat(SOURCE).contains(before);
        return SOURCE.replace(before, after);
    }

    private static List<String> refusals(KernelModule newModule, Types types) {
        return Comparer.compare(BASE, newModule, types).refusals().stream()
                .map(refusal -> refusal.kind() + " " + refusal.subject())
                .toList();
    }

    private static List<String> refusals(String source) {
        return refusals(TinyModule.compile(source), Types.same());
    }

    @ParameterizedTest(name = "{0} → {1}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            buffer[64]                | buffer[128]               | RESIZED buffer
            mode = 1                  | mode = 2                  | INITIAL_VALUE mode
            prepares(3)               | prepares(5)               | INIT init_module
            x * 7                     | x * 8                     | INIT prepares
            x * 9                     | x * 10                    | INIT checks
            ready = 0;                | ready = -1;               | EXIT cleanup_module
            EXPORT(uses, 0x55)        | EXPORT(uses, 0x56)        | EXPORT uses
            VERSION(import_a, 0x1234) | VERSION(import_a, 0x1235) | SYMBOL_VERSION import_a
            x * 5                     | x * 6                     | TRACE_EVENT probes
            { import_a, import_b }    | { import_a, import_b, 0 } | RESIZED table
            """)
    void aChangeThatASwapCannotBringInIsRefusedByItsRule(String before, String after, String refusal) {
        assertThat(refusals(replaced(before, after))).containsExactly(refusal);
    }

    @Test
    void aNewVariableThatOnlyInitSetsIsRefused() {
        String source = replaced("int __init init_module(void) {", "static int extra; int __init init_module(void) {")
                        .replace("return prepares(3)", "extra = 1; return prepares(3)")
                + "int extra_user(void) { return extra; }";
        assertThat(refusals(source)).containsExactlyInAnyOrder("INIT init_module", "INIT extra");
    }

    @Test
    void aNewVariableThatInitReachesThroughASharedCalleeIsRefused() {
        String source = replaced("return x * 9;", "extern int limit; limit = x; return x * 9;") + "int limit;";
        assertThat(refusals(source)).containsExactlyInAnyOrder("INIT checks", "INIT limit");
    }

    private static final String HOOKED =
            SOURCE.replace("prepares(3)", "prepares(5)").replace("ready = 0;", "ready = 2;");
    private static final String PREPARE =
            "static int get_ready(void) { ready = 1; return %s; } static int (*const p)(void)"
                    + " __attribute__((section(\".kmolt.prepare\"), used)) = get_ready;";
    private static final String UNPREPARE = "static void undo(void) { ready = 9; } static void (*const u)(void)"
            + " __attribute__((section(\".kmolt.unprepare\"), used)) = undo;";

    @Test
    void anotherInitAndExitAreAcceptedIfHooksTakeCareOfThem() {
        assertThat(refusals(HOOKED)).containsExactlyInAnyOrder("INIT init_module", "EXIT cleanup_module");
        assertThat(refusals(HOOKED + PREPARE.formatted("0") + UNPREPARE)).isEmpty();
    }

    @Test
    void aHookWithoutTheOtherIsRefused() {
        assertThat(refusals(HOOKED + PREPARE.formatted("0"))).containsExactly("DECLARATION tiny");
        assertThat(refusals(HOOKED + UNPREPARE)).containsExactly("DECLARATION tiny");
    }

    @Test
    void aHookThatCallsWhatTheOldBuildHasInAnotherFormIsRefused() {
        String source = HOOKED.replace("x * 9", "x * 10") + PREPARE.formatted("checks(ready)") + UNPREPARE;
        assertThat(refusals(source)).containsExactly("DECLARATION checks");
    }

    @Test
    void anExportThatIsGoneIsRefused() {
        assertThat(refusals(replaced("uses", "employs"))).containsExactly("EXPORT uses");
    }

    @Test
    void anotherModuleIsRefusedForThatAlone() {
        assertThat(refusals(TinyModule.compile("other", List.of(), "int nothing;"), Types.same()))
                .containsExactly("OTHER_MODULE other");
    }

    @Test
    void whatIsKnownOfTypesIsPartOfTheVerdict() {
        Types types = new Types() {
            @Override
            public List<Refusal> layoutDifferences() {
                return List.of(new Refusal(Refusal.Kind.TYPE_LAYOUT, "struct event", "grew"));
            }

            @Override
            public Optional<String> prototypeDifference(String function) {
                return Optional.empty();
            }
        };
        assertThat(refusals(BASE, types)).containsExactly("TYPE_LAYOUT struct event");
    }

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', textBlock = """
            import_a(x) * 2        | import_a(x) * 3
            weights[4] = { 1,      | weights[5] = { 0, 1,
            { import_a, import_b } | { import_b, import_a }
            """)
    void aChangeThatASwapBringsInIsAccepted(String before, String after) {
        assertThat(refusals(replaced(before, after))).isEmpty();
    }

    @Test
    void aNewVariableAndANewFunctionAreAccepted() {
        assertThat(refusals(SOURCE + "static int calls; int counts(void) { return ++calls; }"))
                .isEmpty();
    }

    @Test
    void flagsThatLimitHowOftenSomethingIsSaidMayBeginAnew() {
        String source = """
                int work(int x) {
                    if (x > 10) { static char __already_done; if (!__already_done) { __already_done = 1; import_a(x); } }
                    if (x > 20) { static char __already_done; if (!__already_done) { __already_done = 1; import_b(x); } }
                    return x * %d;
                }
                """;
        Comparison comparison = Comparer.compare(
                TinyModule.compile(source.formatted(5)), TinyModule.compile(source.formatted(7)), Types.same());
        List<Item> flags = comparison.newModule().objects().stream()
                .filter(item -> item.stem().equals("__already_done"))
                .toList();
        assertThat(flags).hasSize(2).allMatch(flag -> comparison.correlation().oldOf(flag) == null);
        assertThat(Comparison.with(comparison.objects(), Comparison.Change.GONE))
                .isEmpty();
        assertThat(comparison.newObjects()).isEmpty();
        assertThat(comparison.refusals()).isEmpty();
    }
}
