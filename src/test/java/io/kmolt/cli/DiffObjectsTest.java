package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.module.PlainObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Objects that are no modules, as gcc and clang write them: what changed in the source is found, and nothing else. */
class DiffObjectsTest {
    private static final List<String> KERNEL_LIKE =
            List.of("-O2", "-mcmodel=kernel", "-fno-pic", "-fno-pie", "-mno-red-zone", "-fno-jump-tables");

    private static final String SOURCE = """
            struct inner { int x; long y; };
            struct item {
                    unsigned ready : 1, level : 3;
                    enum state { IDLE, BUSY = 4 } state;
                    struct inner in;
                    union { long number; char text[8]; };
                    struct { int low; int high; } range;
                    void *owner;
                    short tail[];
            };
            int printk(const char *, ...);
            int import_a(int);
            static int limit = 10;
            static char buffer[64];
            static const int weights[4] = { 1, 20, 300, 4000 };
            static double ratio(int x) { return x * 1.5; }
            int rated(int x) { return ratio(x) > 4.25; }
            int weighs(int i) { return weights[i & 3] + limit; }
            int shows(struct item *item) { printk("item %d", item->state); return item->level; }
            int names(int x) { switch (x) { case 0: return 7; case 1: return 12; case 2: return 99; case 3: return 1; } return 0; }
            void fills(int i) { buffer[i & 63] = 'x'; limit++; printk("filled %s", buffer); }
            struct ops { int (*rate)(int); int (*weigh)(int); };
            const struct ops ops = { rated, weighs };
            """;

    @TempDir
    private Path folder;

    static Stream<Arguments> ways() {
        return PlainObject.compilers().stream()
                .flatMap(compiler -> Stream.of(
                                List.<String>of(),
                                List.of("-ffunction-sections", "-fdata-sections"),
                                List.of("-g"),
                                List.of("-g", "-ffunction-sections", "-fdata-sections"))
                        .map(options -> Arguments.of(compiler, options)));
    }

    private Path object(String build, String compiler, List<String> options, String source) {
        List<String> command = new ArrayList<>(List.of(compiler));
        command.addAll(KERNEL_LIKE);
        command.addAll(options);
        return PlainObject.compile(folder.resolve(build).resolve("item.o"), command, source);
    }

    private static String replaced(String before, String after) {
        assertThat(SOURCE).contains(before);
        return SOURCE.replace(before, after);
    }

    @ParameterizedTest
    @MethodSource("ways")
    void whatIsTheSameIsTheSame(String compiler, List<String> options) {
        Path old = object("old", compiler, options, SOURCE);
        Path now = object("new", compiler, options, "static int unused;\n" + SOURCE);
        run("diff", old, now)
                .exits(0)
                .says(
                        "item: a build without build-id",
                        "functions 5 the same",
                        "an object is compared, not a whole module")
                .says("\nswappable\n");
    }

    @ParameterizedTest
    @MethodSource("ways")
    void theFunctionThatChangedIsFound(String compiler, List<String> options) {
        boolean types = options.contains("-g");
        Path old = object("old", compiler, options, SOURCE);
        for (String[] change : new String[][] {
            {"item->level;", "item->level + 1;", "shows"},
            {"item %d", "thing %d", "shows"},
            {"300", "301", "weighs"},
            {"1.5", "1.75", "rated"},
            {"return 12", "return 13", "names"}
        }) {
            Path now = object("new", compiler, options, replaced(change[0], change[1]));
            int status = types ? ExitCode.OK : ExitCode.NOT_SWAPPABLE;
            run("diff", "--names", old, now).exits(status).saysOnly(change[2]);
        }
        if (!types) {
            run("diff", old, object("new", compiler, options, replaced("return 12", "return 13")))
                    .says("1 changed, 4 the same", "types     not compared: the types of " + old + " are not known");
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void theVariableThatChangedIsFound(String compiler, List<String> options) {
        Path old = object("old", compiler, options, SOURCE);
        Path now = object("new", compiler, options, replaced("limit = 10", "limit = 11"));
        run("diff", old, now)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("begins   limit  10 → 11", "not swappable because limit begins with another value");
        now = object("new", compiler, options, replaced("buffer[64]", "buffer[65]"));
        run("diff", old, now).exits(ExitCode.NOT_SWAPPABLE).says("resized  buffer  64 → 65 bytes");
        now = object("new", compiler, options, replaced("{ rated, weighs }", "{ weighs, rated }"));
        run("diff", old, now).says("contents ops  rated → weighs at offset 0, and 1 more");
    }

    static Stream<Arguments> typeChanges() {
        // Where a member is counts in bits, and so does what it takes.
        return PlainObject.compilers().stream()
                .flatMap(compiler -> Stream.of(
                        Arguments.of(compiler, "level : 3", "level : 4", "struct item", "level", "resized", 1, 3, 1, 4),
                        Arguments.of(compiler, "ready : 1", "ready : 2", "struct item", "level", "moved", 1, 3, 2, 3),
                        Arguments.of(
                                compiler,
                                "int x; long y",
                                "long y; int x",
                                "struct inner",
                                "x",
                                "moved",
                                0,
                                32,
                                64,
                                32),
                        Arguments.of(compiler, "int x;", "int x, z;", "struct inner", "z", "added", -1, -1, 32, 32),
                        Arguments.of(
                                compiler,
                                "char text[8]",
                                "char text[4]",
                                "struct item",
                                "text",
                                "resized",
                                192,
                                64,
                                192,
                                32),
                        Arguments.of(
                                compiler,
                                "int low; int high;",
                                "int high; int low;",
                                "struct item",
                                "range.low",
                                "moved",
                                256,
                                32,
                                288,
                                32),
                        Arguments.of(
                                compiler,
                                "void *owner",
                                "long owner",
                                "struct item",
                                "owner",
                                "retyped",
                                320,
                                64,
                                320,
                                64),
                        Arguments.of(
                                compiler,
                                "short tail[]",
                                "int tail[]",
                                "struct item",
                                "tail[]",
                                "resized",
                                384,
                                16,
                                384,
                                32),
                        Arguments.of(
                                compiler,
                                "BUSY = 4",
                                "BUSY = 5",
                                "enum state",
                                "BUSY",
                                "enumerator_value",
                                0,
                                0,
                                0,
                                0)));
    }

    @ParameterizedTest(name = "{0}: {1} → {2}")
    @MethodSource("typeChanges")
    void aMemberThatDiffersIsNamedWithItsOffsetsAndSizes(
            String compiler,
            String before,
            String after,
            String type,
            String member,
            String kind,
            int oldOffset,
            int oldSize,
            int newOffset,
            int newSize) {
        Path old = object("old", compiler, List.of("-g"), SOURCE);
        Path now = object("new", compiler, List.of("-g"), replaced(before, after));
        JsonNode json =
                run("diff", "--json", old, now).exits(ExitCode.NOT_SWAPPABLE).json();
        JsonNode difference = json.at("/types/differences")
                .valueStream()
                .filter(d -> d.at("/type").asString().equals(type)
                        && d.at("/member").asString().equals(member)
                        && d.at("/kind").asString().equals(kind))
                .findFirst()
                .orElseThrow(() -> new AssertionError(json.at("/types").toPrettyString()));
        assertThat(difference.at("/before/bitOffset").asInt(-1)).isEqualTo(oldOffset);
        assertThat(difference.at("/before/bitSize").asInt(-1)).isEqualTo(oldSize);
        assertThat(difference.at("/now/bitOffset").asInt(-1)).isEqualTo(newOffset);
        assertThat(difference.at("/now/bitSize").asInt(-1)).isEqualTo(newSize);
        assertThat(json.at("/types/unseen").valueStream().map(JsonNode::asString))
                .contains(before.equals("void *owner") ? new String[0] : new String[] {"struct item: owner"});
        run("diff", old, now).says("changed  " + type, member + ": ").says(type + " has another layout");
    }

    @Test
    void anEnumeratorThatIsNewHarmsNobody() {
        Path old = object("old", "gcc", List.of("-g"), SOURCE);
        Path now = object("new", "gcc", List.of("-g"), replaced("BUSY = 4", "BUSY = 4, DONE"));
        run("diff", old, now).exits(0).says("DONE: new, 5 (no object can have it yet)", "\nswappable\n");
        assertThat(run("diff", "--json", old, now)
                        .json()
                        .at("/types/differences/0/harmless")
                        .asBoolean())
                .isTrue();
    }

    /** Sections that linking a module would merge or drop, and those that only flags tell about. */
    @Test
    void sectionsOfObjectsAreKnown() {
        String source = """
                int before(int x) { return x + 1; }
                __attribute__((section("___ksymtab+before"), used)) static const char exported = 1;
                __attribute__((section(".discard.addressable"), used)) static void *kept = before;
                __attribute__((section(".initcall6.init"), used)) static int (*start)(int) = before;
                __attribute__((section("my_code"))) int inside(int x) { return x * 3; }
                __attribute__((section("my_data"))) int state = 5;
                __attribute__((section("my_constants"))) const int constant = 6;
                """;
        Path old = object("old", "gcc", List.of("-g"), source);
        Path now =
                object("new", "gcc", List.of("-g"), source.replace("* 3", "* 5").replace("= 6", "= 7"));
        run("diff", old, now).exits(0).says("changed  inside", "contents constant  6 → 7", "\nswappable\n");
        run("diff", old, object("new", "gcc", List.of("-g"), source.replace("= 5", "= 4")))
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("begins   state  5 → 4");
    }

    /** As EXPORT_SYMBOL writes it in 6.1, and in 6.12. */
    @ParameterizedTest
    @ValueSource(strings = {"___ksymtab_gpl+leaves", ".export_symbol"})
    void anExportThatIsGoneIsRefused(String section) {
        String export = """
                asm(".section \\"%s\\",\\"a\\"\\n.quad leaves\\n.previous\\n");
                int leaves(int x) { return x + 1; }
                """.formatted(section);
        String rest = "int stays(int x) { return x * 3; }";
        Path old = object("old", "gcc", List.of("-g"), export + rest);
        run("diff", old, object("new", "gcc", List.of("-g"), export.replace("+ 1", "+ 2") + rest))
                .exits(0);
        run("diff", old, object("new", "gcc", List.of("-g"), rest))
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("not swappable because leaves is exported, and gone in the new build");
    }

    @Test
    void commonSymbolsHaveNoPlaceYet() {
        Path old = object("old", "gcc", List.of("-fcommon"), "int tentative; int reads(void) { return tentative; }");
        run("diff", old, old).exits(ExitCode.UNFIT).complains("tentative is a common symbol", "-fno-common");
    }

    @Test
    void anObjectAndAModuleAreNotComparable() {
        Path object = object("old", "gcc", List.of(), SOURCE);
        run("diff", object, Corpus.module(Corpus.BOOKWORM, "minix"))
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("only one of the two files is a whole module");
    }

    /** The two files need not have one name, as those of two modules must. */
    @Test
    void theNameOfAnObjectIsThatOfItsFile() {
        Path old = object("old", "gcc", List.of(), SOURCE);
        Path other = PlainObject.compile(
                folder.resolve("other-item.o"),
                List.of("gcc", "-O2", "-mcmodel=kernel", "-fno-pic", "-fno-pie", "-mno-red-zone", "-fno-jump-tables"),
                SOURCE);
        run("diff", old, other).exits(0).says("item: ");
        run("diff", other, old).exits(0).says("other_item: ");
    }
}
