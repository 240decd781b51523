package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.TinyModule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What is said of two modules, to people, to programs and as exit status. */
class DiffCommandTest {
    private static final Path OLD_EXT4 = Corpus.module(Corpus.BOOKWORM_BEFORE, "ext4");
    private static final Path NEW_EXT4 = Corpus.module(Corpus.BOOKWORM, "ext4");
    private static final Path MINIX = Corpus.module(Corpus.BOOKWORM, "minix");

    private static final String SOURCE = """
            struct guest { int number; void *private; };
            struct guest last;
            static int ready;
            static char buffer[64];
            int greets(int x) { buffer[x]++; last.number = x; return import_a(x) + ready; }
            int __init init_module(void) { ready = 1; return 0; }
            void __exit cleanup_module(void) { ready = 0; }
            """;

    @TempDir
    private Path folder;

    /** A module with debugging information, of {@link #SOURCE} with a replacement. */
    private Path module(String name, String before, String after, String... options) throws IOException {
        assertThat(SOURCE).contains(before);
        Path file = folder.resolve(name).resolve("tiny.ko");
        Files.createDirectories(file.getParent());
        List<String> all = options.length == 0 ? List.of("-g") : List.of(options);
        return Files.write(file, TinyModule.build("tiny", all, SOURCE.replace(before, after)));
    }

    private Path module(String name) throws IOException {
        return module(name, "", "");
    }

    @Test
    void namesTheFunctionsThatAHotfixChanged() {
        run("diff", OLD_EXT4, NEW_EXT4)
                .exits(0)
                .says("ext4: build-id 64da616f", "→ build-id 721ba523")
                .says("functions 2 changed, 1372 the same")
                .says("changed  ext4_mb_load_buddy_gfp  at +0xb0: cmp $-0x1000, %rax → test %rax, %rax")
                .says("data      1052 the same", "types     the same", "13 members lead to what types do not tell of")
                .says("\nswappable\n");
        run("diff", "--names", OLD_EXT4, NEW_EXT4).exits(0).saysOnly("ext4_mb_init_group", "ext4_mb_load_buddy_gfp");
    }

    @Test
    void tellsProgramsTheSame() {
        JsonNode diff = run("diff", "--json", OLD_EXT4, NEW_EXT4).exits(0).json();
        assertThat(diff.at("/module").asString()).isEqualTo("ext4");
        assertThat(diff.at("/verdict").asString()).isEqualTo("swappable");
        assertThat(diff.at("/reasons")).isEmpty();
        assertThat(diff.at("/functions"))
                .extracting(f -> f.at("/name").asString() + " " + f.at("/state").asString())
                .containsExactly("ext4_mb_init_group changed", "ext4_mb_load_buddy_gfp changed");
        assertThat(diff.at("/functions/1/parts/0/reason/kind").asString()).isEqualTo("instruction");
        assertThat(diff.at("/functions/1/parts/0/reason/newOffset").asInt()).isEqualTo(0xb0);
        assertThat(diff.at("/sameFunctions")).hasSizeGreaterThan(1000);
        assertThat(diff.at("/data")).isEmpty();
        assertThat(diff.at("/types/compared").asBoolean()).isTrue();
        assertThat(diff.at("/types/unseen")).hasSize(13);
    }

    @Test
    void aBuildDoesNotDifferFromItself() {
        run("diff", MINIX, MINIX).exits(0).says("functions 75 the same", "\nswappable\n");
        run("diff", "--names", MINIX, MINIX).exits(0).saysOnly();
    }

    @Test
    void whatHooksCanTakeCareOfIsAnAnswerOfItsOwn() throws IOException {
        Path old = module("old");
        Path now = module("new", "ready = 1", "ready = 2");
        run("diff", old, now)
                .exits(ExitCode.NEEDS_HOOK)
                .says("changed  init_module", "\nneeds a hook for init_module\n");
        JsonNode json =
                run("diff", "--json", old, now).exits(ExitCode.NEEDS_HOOK).json();
        assertThat(json.at("/verdict").asString()).isEqualTo("needs_hook");
        assertThat(json.at("/hooksNeededFor")).extracting(JsonNode::asString).containsExactly("init_module");
        assertThat(json.at("/reasons/0/kind").asString()).isEqualTo("init");
        run("diff", "--names", old, now).exits(ExitCode.NEEDS_HOOK).saysOnly("init_module");
    }

    @Test
    void newStateThatOnlyInitSetsNeedsAHook() throws IOException {
        Path now = module("new", "ready = 1;", "extern int limit; ready = 1; limit = 5;");
        Files.write(
                now,
                TinyModule.build(
                        "tiny",
                        List.of("-g"),
                        SOURCE.replace("ready = 1;", "extern int limit; ready = 1; limit = 5;") + "int limit;"));
        run("diff", module("old"), now)
                .exits(ExitCode.NEEDS_HOOK)
                .says("new      limit  4 bytes", "movl $0x5, limit(%rip)", "\nneeds a hook for init_module, limit\n");
    }

    @Test
    void aBuildWithHooksSaysWhatTheyTakeCareOf() throws IOException {
        String hooks = """
                static int get_ready(void) { ready = 1; return 0; }
                static int (*const p)(void) __attribute__((section(".kmolt.prepare"), used)) = get_ready;
                static void undo(void) { ready = 9; }
                static void (*const u)(void) __attribute__((section(".kmolt.unprepare"), used)) = undo;
                int __init init_module(void) { ready = 2; return 0; }
                """;
        Path now = module("new", "int __init init_module(void) { ready = 1; return 0; }\n", hooks);
        run("diff", module("old"), now).exits(0).says("hooks     take care of init_module", "\nswappable\n");
        JsonNode json = run("diff", "--json", module("old"), now).exits(0).json();
        assertThat(json.at("/hooksNeededFor")).isEmpty();
        assertThat(json.at("/hooksTakeCareOf")).extracting(JsonNode::asString).containsExactly("init_module");
    }

    @Test
    void whatHooksCannotTakeCareOfIsRefused() throws IOException {
        Path old = module("old");
        Path now = module("new", "buffer[64]", "buffer[128]");
        run("diff", old, now)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("changed  greets  at +0x12: refers to buffer, which has another size")
                .says("resized  buffer  64 → 128 bytes")
                .says("\nnot swappable because buffer has another size in the new build: 64 → 128 bytes\n");
        JsonNode json =
                run("diff", "--json", old, now).exits(ExitCode.NOT_SWAPPABLE).json();
        assertThat(json.at("/verdict").asString()).isEqualTo("not_swappable");
        assertThat(json.at("/reasons/0/kind").asString()).isEqualTo("resized");
        assertThat(json.at("/data/0/state").asString()).isEqualTo("resized");
        assertThat(json.at("/data/0/oldSize").asInt()).isEqualTo(64);
        assertThat(json.at("/data/0/newSize").asInt()).isEqualTo(128);
        run("diff", "--names", old, now).exits(ExitCode.NOT_SWAPPABLE).saysOnly("greets");
    }

    @Test
    void severalReasonsAreListedAndCounted() throws IOException {
        run("diff", module("old"), module("new", "struct guest { int number;", "struct guest { long number; int more;"))
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("changed  struct guest: 16 → 24 bytes")
                .says("number: int → long int, offset 0, 4 → 8 bytes")
                .says("private: void *, offset 8 → 16, 8 bytes")
                .says("more: new, int, offset 8, 4 bytes")
                .says("refused   last: has another size in the new build: 16 → 24 bytes")
                .says("refused   struct guest: has another layout")
                .says("\nnot swappable because last has another size in the new build: 16 → 24 bytes,"
                        + " and for 1 more reason\n");
    }

    @Test
    void withoutTypesABuildThatDiffersIsNotSwappable() throws IOException {
        Path old = module("old");
        Path now = module("new", "import_a(x) + ready", "import_a(x) - ready", "-g0");
        run("diff", old, now)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("types     not compared: the types of " + now + " are not known, as it has neither BTF nor")
                .says("\nnot swappable because tiny has types that cannot be compared: the types of");
        JsonNode json =
                run("diff", "--json", old, now).exits(ExitCode.NOT_SWAPPABLE).json();
        assertThat(json.at("/types/compared").asBoolean()).isFalse();
        assertThat(json.at("/reasons/0/kind").asString()).isEqualTo("types_unknown");
    }

    @Test
    void withoutTypesABuildThatDoesTheSameIsSwappable() throws IOException {
        run("diff", module("old"), module("new", "", "", "-g0"))
                .exits(0)
                .says("types     not compared", "\nswappable\n");
    }

    @Test
    void membersThatLeadToWhatTypesDoNotTellOfAreListedOnDemand() throws IOException {
        Path old = module("old");
        Path now = module("new", "import_a(x) + ready", "import_a(x) - ready");
        run("diff", old, now)
                .exits(0)
                .says("1 member leads to what types do not tell of")
                .doesNotSay("struct guest: private");
        run("diff", "-v", old, now).exits(0).says("\n               struct guest: private\n");
    }

    @Test
    void functionsAndVariablesMayHaveSectionsOfTheirOwn() throws Exception {
        String[] options = {"-g", "-ffunction-sections", "-fdata-sections"};
        Path old = module("old", "", "", options);
        Path now = module("new", "import_a(x) + ready", "import_a(x) - ready", options);
        assertThat(ElfObject.read(old).sections()).extracting(ElfSection::name).contains(".text.greets", ".bss.buffer");
        run("diff", "--names", old, now).exits(0).saysOnly("greets");
        run("diff", module("merged"), now).exits(0).says("functions 1 changed, 2 the same", "data      3 the same");
    }

    /** No rule about the builds says so, but linking does. */
    @Test
    void whatLinkingWouldFindIsKnownBeforehand() throws IOException {
        String keeps =
                "int (*kept)(int); notrace static int timer(int x) { return x * 5; } int greets(int x) { kept = timer; ";
        Path old = module("old", "int greets(int x) { ", keeps);
        run("diff", old, module("same", "int greets(int x) { ", keeps + "x++;"))
                .exits(0)
                .says("\nswappable\n");
        Path now = module("new", "int greets(int x) { ", keeps.replace("x * 5", "x * 7"));
        run("diff", old, now)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("\nnot swappable because timer changes, but calls through kept pointers cannot be redirected");
        assertThat(run("diff", "--json", old, now)
                        .exits(ExitCode.NOT_SWAPPABLE)
                        .json()
                        .at("/reasons/0/kind")
                        .asString())
                .isEqualTo("stale_pointer");
    }

    @Test
    void withoutABuildIdLinkingIsNotTried() throws IOException {
        Path old = module("old", "", "", "-g", "-Wl,--build-id=none");
        Path now = module("new", "", "", "-g", "-Wl,--build-id=none");
        run("diff", old, module("named", "buffer[x]++", "buffer[x]--"))
                .exits(0)
                .says("old/tiny.ko has no build-id", "\nswappable\n");
        run("diff", old, now).exits(0).says("old/tiny.ko has no build-id", "new/tiny.ko has no build-id");
    }

    @Test
    void anotherModuleIsRefused() {
        run("diff", MINIX, NEW_EXT4)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("\nnot swappable because ext4 is another module than minix\n");
    }

    @Test
    void aBuildForAnotherKernelInterfaceIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(MINIX);
        // struct modversion_info: 8 bytes of CRC stand before the name; its section's names are padded with zeros.
        int name = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("module_layout\0\0\0");
        bytes[name - 8] ^= 1;
        Path changed = Files.write(folder.resolve("minix.ko"), bytes);

        run("diff", MINIX, changed)
                .exits(ExitCode.NOT_SWAPPABLE)
                .says("not swappable because module_layout has another version in the kernel that the new build was");
        JsonNode json = run("diff", "--json", MINIX, changed)
                .exits(ExitCode.NOT_SWAPPABLE)
                .json();
        assertThat(json.at("/reasons/0/kind").asString()).isEqualTo("symbol_version");
        assertThat(json.at("/reasons/0/subject").asString()).isEqualTo("module_layout");
    }

    @Test
    void aSenselessCommandLineIsNotTakenForAVerdict() {
        run("diff", MINIX).exits(64).complains("'NEW'", "Usage: kmolt diff");
        run("diff", "--nosuch", MINIX, MINIX).exits(64).complains("--nosuch");
        run("diff", MINIX, MINIX, MINIX).exits(64);
        run("--nosuch", "diff", MINIX, MINIX).exits(64).complains("--nosuch");
        assertThat(run("diff", "--json").exits(64).json().at("/kind").asString())
                .isEqualTo("usage");
        run("list", "--nosuch").exits(ExitCode.USAGE);
    }
}
