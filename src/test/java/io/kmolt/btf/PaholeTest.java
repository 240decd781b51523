package io.kmolt.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C, compiled here, becomes BTF; and what changed in it is found. */
class PaholeTest {
    private static final String OLD = """
            struct list { struct list *next; };
            enum state { IDLE, BUSY };
            typedef struct { int key; int value; } pair_t;
            struct item {
                    struct list link;
                    unsigned int ready : 1, level : 3;
                    enum state state;
                    pair_t pairs[4];
                    union { long number; char text[8]; };
                    int (*notify)(struct item *item, int how);
            };
            static struct { int hits; int misses; } counters[2];
            int touch(struct item *item, int how)
            {
                    counters[how].hits += item->state;
                    counters[how].misses += item->pairs[how].value;
                    return item->notify(item, how) + counters[0].hits + counters[0].misses;
            }
            """;

    @TempDir
    Path folder;

    private Path vmlinux = Path.of("");
    private Btf base;

    PaholeTest() throws BtfException {
        base = kernel().read("vmlinux");
    }

    @BeforeEach
    void aKernelToBuildFor() throws IOException {
        vmlinux = folder.resolve("vmlinux.btf");
        Files.write(vmlinux, kernel().bytes());
    }

    @Test
    void encodesWhatWasCompiled() throws Exception {
        Btf btf = types("old", OLD);
        assertThat(FunctionPrototypes.prototype(btf, "touch").map(Prototype::toString))
                .contains("int touch(struct item *, int)");
        assertThat(btf.ownIds("int")).as("int comes from the base").isEmpty();
        assertThat(btf.ownIds("item")).hasSize(1);
        assertThat(btf.sizeOf(btf.ownIds("item").getFirst())).isEqualTo(64);
    }

    @Test
    void compilingTwiceGivesTheSameTypes() throws Exception {
        assertThat(LayoutDiff.compare(types("old", OLD), types("new", OLD + "\nint more;"), Scope.owned()))
                .isEmpty();
    }

    @Test
    void findsWhatChangedBetweenTwoVersions() throws Exception {
        String now = OLD.replace("enum state { IDLE, BUSY }", "enum state { IDLE, WAITING, BUSY }")
                .replace("ready : 1, level : 3", "ready : 1, dirty : 1, level : 3")
                .replace("int key; int value;", "int key; int flags; int value;")
                .replace("int hits; int misses;", "int misses; int hits;")
                .replace("struct item *item, int how", "struct item *item, long how");
        Btf old = types("old", OLD);
        Btf changed = types("new", now);
        assertThat(LayoutDiff.compare(old, changed, Scope.owned()))
                .extracting(LayoutDifference::describe)
                .containsExactly(
                        "enum state: enumerator BUSY: 1 → 2",
                        "enum state: enumerator WAITING: added with value 1",
                        "struct item: size 64 → 80 bytes",
                        "struct item: member level: offset 65 → 66 bits",
                        "struct item: member pairs[]: size 8 → 12 bytes",
                        "struct item: member number: offset 48 → 64 bytes",
                        "struct item: member text: offset 48 → 64 bytes",
                        "struct item: member notify: offset 56 → 72 bytes",
                        "struct item: member notify: type int (*)(struct item *, int) → int (*)(struct item *, long int)",
                        "struct item: member dirty: added at 65 bits, unsigned int (1 bit)",
                        "struct {hits, misses}: member hits: offset 0 → 4 bytes (uncertain: the nearest of several candidates)",
                        "struct {hits, misses}: member misses: offset 4 → 0 bytes (uncertain: the nearest of several candidates)",
                        "typedef pair_t: size 8 → 12 bytes",
                        "typedef pair_t: member value: offset 4 → 8 bytes",
                        "typedef pair_t: member flags: added at 4 bytes, int (4 bytes)");
        assertThat(FunctionPrototypes.incompatibility(old, "touch", changed, "touch")
                        .orElseThrow())
                .startsWith("parameter 2 differs: int touch(struct item *, int)");
    }

    @Test
    void saysThatThereIsNoDebuggingInformation() throws Exception {
        ElfObject module = compile("plain", OLD, "-g0");
        assertThatThrownBy(() -> Pahole.encode(module, vmlinux))
                .isInstanceOf(BtfException.class)
                .hasMessageContainingAll("plain.ko: has no debugging information", "build it with -g");
    }

    @Test
    void saysThatPaholeIsMissing() throws Exception {
        ElfObject module = compile("old", OLD, "-g");
        assertThatThrownBy(() -> new Pahole.Run("pahole-that-nobody-has").encode(module, Optional.of(vmlinux)))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining("apt install dwarves");
    }

    @Test
    void passesOnWhatPaholeSaysWhenItFails() throws Exception {
        ElfObject module = compile("old", OLD, "-g");
        Path garbage = Files.writeString(folder.resolve("garbage"), "no BTF");
        assertThatThrownBy(() -> Pahole.encode(module, garbage))
                .isInstanceOf(BtfException.class)
                .hasMessageContainingAll("old.ko: pahole failed with status 1", "Failed to parse base BTF");
    }

    @Test
    void saysThatNothingWasAdded() throws Exception {
        ElfObject module = compile("old", OLD, "-g");
        assertThatThrownBy(() -> new Pahole.Run("true").encode(module, Optional.of(vmlinux)))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining("true added no .BTF");
    }

    /** A kernel with the two types that every compiler takes for granted. */
    private static BtfWriter kernel() {
        BtfWriter writer = new BtfWriter();
        writer.intType();
        writer.longType();
        return writer;
    }

    private Btf types(String name, String source) throws Exception {
        return Btf.parseSplit(name, Pahole.encode(compile(name, source, "-g"), vmlinux), base);
    }

    private ElfObject compile(String name, String source, String... options) throws Exception {
        Path c = Files.writeString(folder.resolve(name + ".c"), source);
        Path object = folder.resolve(name + ".ko");
        List<String> command = new ArrayList<>(List.of("gcc", "-c", "-O1", "-o", object.toString(), c.toString()));
        command.addAll(Arrays.asList(options));
        Process gcc = new ProcessBuilder(command).inheritIO().start();
        assertThat(gcc.waitFor()).as("gcc, of `make setup`").isZero();
        return ElfObject.read(object);
    }
}
