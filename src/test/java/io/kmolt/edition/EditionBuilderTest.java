package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.kmolt.diff.Refusal;
import io.kmolt.edition.EditionBuilder.Built;
import io.kmolt.elf.Corpus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** C becomes a module, and what it declares can be read from it. */
class EditionBuilderTest {
    private static final Path HEADERS = Corpus.headers(Corpus.BOOKWORM);

    @TempDir
    private Path folder;

    private Built build(String file, String text) throws Exception {
        Path source = Files.writeString(folder.resolve(file), text);
        return EditionBuilder.ofHome().build(source, HEADERS, folder.resolve("out.ko"));
    }

    private static List<Refusal> refusals(String text) {
        try {
            Editions.compile(text);
            throw new AssertionError("not refused");
        } catch (EditionException e) {
            return e.refusals();
        }
    }

    @Test
    void theExampleDeclaresItsEditions() throws Exception {
        EditionFile file = Editions.pipes(folder);
        assertThat(file.name()).isEqualTo("pipes");
        assertThat(file.editions())
                .extracting(DeclaredEdition::name, DeclaredEdition::function, DeclaredEdition::number)
                .containsExactly(tuple("counted_read", "pipe_read", 1), tuple("counted_write", "pipe_write", 1));
        assertThat(file.editions()).allMatch(edition -> edition.object().isEmpty() && edition.occurrence() == 0);
        assertThat(file.originals().values()).containsExactlyElementsOf(file.editions());
        assertThat(file.needed()).isEmpty();
        assertThat(file.names()).containsExactly("pipe_read", "pipe_write");
    }

    /** {@code linux} and {@code current} are macros in kernel code; names must come through as they are written. */
    @Test
    void allPartsOfADeclarationComeThrough() throws Exception {
        EditionFile file = Editions.compile("""
                extern int hidden(int x);
                extern int third(int x) KMOLT_SYMBOL(linux, third, 3);
                extern int some_table[];
                KMOLT_EDITION(current, 255, linux, 12)
                int one(int x) { return hidden(x) + third(x) + some_table[x]; }
                KMOLT_EDITION(fold.isra.0, 7, vmlinux)
                int two(int x) { return x + 1; }
                """);
        assertThat(file.editions())
                .extracting(
                        DeclaredEdition::function,
                        DeclaredEdition::number,
                        DeclaredEdition::object,
                        DeclaredEdition::occurrence)
                .containsExactly(
                        tuple("current", 255, Optional.of("linux"), 12),
                        tuple("fold.isra.0", 7, Optional.of("vmlinux"), 0));
        assertThat(file.needed())
                .extracting(NeededSymbol::name, NeededSymbol::object, NeededSymbol::occurrence, NeededSymbol::called)
                .containsExactlyInAnyOrder(
                        tuple("hidden", Optional.empty(), 0, true),
                        tuple("third", Optional.of("linux"), 3, true),
                        tuple("some_table", Optional.empty(), 0, false));
    }

    @Test
    void oneFunctionMayHaveTenEditions() throws Exception {
        StringBuilder text = new StringBuilder();
        IntStream.rangeClosed(1, 10)
                .forEach(i ->
                        text.append("KMOLT_EDITION(minix_lookup, %d, minix)\nint edition%d(int x) { return x + %d; }\n"
                                .formatted(i, i, i)));
        assertThat(Editions.compile(text.toString()).editions())
                .extracting(DeclaredEdition::number)
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    }

    @Test
    void compilingTwiceGivesTheSameFile() throws Exception {
        byte[] once = Editions.pipes(folder).elf().bytes();
        assertThat(Editions.pipes(folder).elf().bytes()).isEqualTo(once);
    }

    @Test
    void anErrorOfTheCompilerIsShownWithThePlaceInTheFile() {
        assertThatThrownBy(() ->
                        build("wrong.c", "#include <kmolt.h>\nMODULE_LICENSE(\"GPL\");\nint f(void) { return x; }\n"))
                .isInstanceOfSatisfying(
                        EditionException.class, e -> assertThat(e.kind()).isEqualTo(EditionException.Kind.UNFIT))
                .hasMessageStartingWith(folder + "/wrong.c does not compile:\n")
                .hasMessageContaining(folder + "/wrong.c:3:22: error: ")
                .hasMessageContaining(" undeclared (first use in this function)")
                .message()
                .doesNotContain("make", "kmolt-edition-", "undefined!");
        assertThat(folder.resolve("out.ko")).doesNotExist();
    }

    @Test
    void aHeaderBesideTheFileIsFoundAndNamedInMessages() throws Exception {
        Files.writeString(folder.resolve("mine.h"), "static int unused_helper(void) { return 1; }\n");
        Built built = build("good.c", """
                #include <kmolt.h>
                #include "mine.h"
                MODULE_LICENSE("GPL");
                KMOLT_EDITION(pipe_read) int f(int x) { return x; }
                """);
        assertThat(built.messages())
                .anyMatch(
                        line -> line.startsWith(folder + "/mine.h:1:12: warning: ") && line.contains("unused_helper"));
        assertThat(EditionFile.read(built.module()).editions()).hasSize(1);
    }

    @Test
    void aGoodFileGivesNoMessages() throws Exception {
        Built built = build("good-one.c", """
                #include <kmolt.h>
                MODULE_LICENSE("GPL");
                extern int nobody_exports_this(int x);
                KMOLT_EDITION(pipe_read) static int f(int x) { return kmolt_original(f, nobody_exports_this(x)); }
                """);
        assertThat(built.messages()).isEmpty();
        assertThat(EditionFile.read(built.module()).name()).isEqualTo("good_one");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b.c", "x.mod.c", "pipes.cc", "-f.c", "a$(x).c", "é.c", "pipes"})
    void aFileNameThatMakesNoModuleNameIsRefused(String name) {
        assertThatThrownBy(() -> build(name, ""))
                .isInstanceOf(EditionException.class)
                .hasMessageContaining("the update is named after its file, which must therefore be called NAME.c");
    }

    @Test
    void missingFilesAreNamed() {
        EditionBuilder builder = EditionBuilder.ofHome();
        assertThatThrownBy(() -> builder.build(folder.resolve("none.c"), HEADERS, folder.resolve("o")))
                .hasMessageContaining("none.c: there is no such file");
        assertThatThrownBy(() -> build("x.c", "").module().resolve(""))
                .isInstanceOf(EditionException.class); // no MODULE_LICENSE
        Path source = folder.resolve("x.c");
        assertThatThrownBy(() -> builder.build(source, folder, folder.resolve("o")))
                .hasMessageContaining("there are no kernel headers to build with");
    }

    @Test
    void whatMakesNoSenseIsRefusedAltogether() {
        assertThat(refusals("""
                        int init_module(void) { return 0; }
                        void cleanup_module(void) { }
                        int helper(int x) { return x; }
                        KMOLT_EDITION(a, 0) int none(int x) { return kmolt_original(helper, x); }
                        KMOLT_EDITION(b, FIRST) int first(int x) { return x; }
                        KMOLT_EDITION(c, 1, vmlinux, all) int all(int x) { return x; }
                        KMOLT_EDITION(d) int d1(int x) { return x; }
                        KMOLT_EDITION(d) int d2(int x) { return x + 1; }
                        KMOLT_EDITION(e) int variable = 5;
                        """.replace("KMOLT_EDITION(e) int", "int __section(\".text.kmolt.1._.0.e\")")))
                .extracting(Refusal::toString)
                .contains(
                        "init_module: a module with editions has neither module_init nor module_exit;"
                                + " when it is loaded and unloaded, kmolt enters and takes back its editions",
                        "none: its number is \"0\", and must be one from 1 to 255, written in digits",
                        "first: its number is \"FIRST\", and must be one from 1 to 255, written in digits",
                        "all: its occurrence is \"all\", and must be a number, written in digits",
                        "d1: d2 is an edition of d with the same number; give one of them another one: KMOLT_EDITION(d, 2)",
                        ".text.kmolt.1._.0.e: KMOLT_EDITION must stand before a function, and name a kernel function",
                        "kmolt_original(helper, …): its first argument must be the name of an edition,"
                                + " and helper has no KMOLT_EDITION");
    }

    @Test
    void aFileWithoutEditionsIsRefused() {
        assertThat(refusals("int f(int x) { return x; }"))
                .singleElement()
                .extracting(Refusal::reason)
                .asString()
                .startsWith("it declares no edition; put KMOLT_EDITION(FUNCTION) before the function");
    }

    @Test
    void whatIsNoModuleIsRefused() {
        assertThatThrownBy(() -> EditionFile.parse("x.ko", new byte[100])).isInstanceOf(EditionException.class);
    }
}
