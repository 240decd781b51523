package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The change set as the core reads it: {@code struct kmolt_update} in {@code kernel/kmolt_abi.h}. */
class DescriptorTest {
    private static final int MAGIC = 0;
    private static final int ABI = 8;
    private static final int SIZE = 12;
    private static final int FLAGS = 16;
    private static final int BOOT_ID = 24;
    private static final int BASE = 88;
    private static final int FROM = 152;
    private static final int BASE_ADDRESS = 216;
    private static final int BASE_SIZE = 224;
    private static final int BASE_LOAD = 232;
    private static final int BASE_NOTE = 240;
    private static final int BASE_BUILD_ID = 248;
    private static final int BUILD_ID = 268;
    private static final int VERSION = 288;
    private static final int SRCVERSION = 352;
    private static final int EXIT = 416;
    private static final int EXIT_STUB = 424;
    static final int SLOTS = 432;
    static final int REDIRECTS = 448;
    static final int WAYS = 464;
    static final int COMMIT_RANGES = 480;
    static final int RECKONED = 512;
    private static final int END = 528;

    // struct kmolt_way
    static final int WAY_FLAGS = 64;
    static final int WAY_HOME = 72;
    static final int WAY_RANGES = 88;
    static final int WAY_SIZE = 104;

    private static final String SOURCE = """
            struct ops { int (*open)(int); };
            static const char version[] __attribute__((section(".modinfo"), used, aligned(1))) = "version=%s";
            static int opener(int x) { return import_a(x) * %d; }
            const struct ops ops = { opener };
            int other(int x) { return import_b(x); }
            void __exit cleanup_module(void) { printk("bye"); }
            """;

    private static LinkedUpdate linked;

    @BeforeAll
    static void link() throws LinkException {
        linked = LinkedUpdate.link(SOURCE.formatted("1.0", 5), SOURCE.formatted("2.0", 7));
    }

    private static String text(int offset) {
        byte[] bytes = new byte[64];
        linked.descriptor().get(offset, bytes);
        return new String(bytes, StandardCharsets.UTF_8).split("\0", 2)[0];
    }

    private static String hex(int offset) {
        byte[] bytes = new byte[20];
        linked.descriptor().get(offset, bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static long word(int offset) {
        return linked.descriptor().getLong(offset);
    }

    /** Only the header itself can say that the numbers above are right. */
    @Test
    void theOffsetsAreThoseOfTheCoresHeader(@TempDir Path folder) throws IOException {
        Files.createDirectory(folder.resolve("linux"));
        Files.writeString(
                folder.resolve("linux/types.h"),
                "typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long long u64;");
        KernelModule asked = TinyModule.compile(
                "asked", List.of("-I" + folder, "-I" + Path.of(System.getProperty("kmolt.home"), "kernel")), """
                #include "kmolt_abi.h"
                #define at(member) __builtin_offsetof(struct kmolt_update, member)
                const int offsets[] = {
                    at(magic), at(abi), at(size), at(flags), at(boot_id), at(base), at(from), at(base_address),
                    at(base_size), at(base_load), at(base_note), at(base_build_id), at(build_id), at(version),
                    at(srcversion), at(exit), at(exit_stub), at(slots), at(redirects), at(ways), at(commit_ranges), at(reckoned),
                    sizeof(struct kmolt_update), sizeof(struct kmolt_slot),
                    sizeof(struct kmolt_redirect), sizeof(struct kmolt_range), KMOLT_ABI,
                    __builtin_offsetof(struct kmolt_way, flags), __builtin_offsetof(struct kmolt_way, home),
                    __builtin_offsetof(struct kmolt_way, ranges), sizeof(struct kmolt_way)
                };
                """);
        var item = asked.item("offsets").orElseThrow();
        int[] offsets = new int[(int) item.size() / 4];
        ByteBuffer.wrap(asked.content(item.section()), (int) item.offset(), (int) item.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(offsets);
        assertThat(offsets)
                .containsExactly(
                        MAGIC,
                        ABI,
                        SIZE,
                        FLAGS,
                        BOOT_ID,
                        BASE,
                        FROM,
                        BASE_ADDRESS,
                        BASE_SIZE,
                        BASE_LOAD,
                        BASE_NOTE,
                        BASE_BUILD_ID,
                        BUILD_ID,
                        VERSION,
                        SRCVERSION,
                        EXIT,
                        EXIT_STUB,
                        SLOTS,
                        REDIRECTS,
                        WAYS,
                        COMMIT_RANGES,
                        RECKONED,
                        END,
                        32,
                        16,
                        16,
                        Descriptor.ABI,
                        WAY_FLAGS,
                        WAY_HOME,
                        WAY_RANGES,
                        WAY_SIZE);
    }

    @Test
    void itSaysWhatItIsAndForWhichBootAndBase() {
        assertThat(word(MAGIC)).isEqualTo(0x0a746c6f6d6bL);
        assertThat(linked.descriptor().getInt(ABI)).isEqualTo(5);
        assertThat(linked.descriptor().getInt(SIZE)).isEqualTo(END);
        assertThat(text(BOOT_ID)).isEqualTo(LinkedUpdate.BOOT_ID);
        assertThat(text(BASE)).isEqualTo("tiny");
        assertThat(text(FROM)).isEmpty();
        assertThat(word(BASE_ADDRESS)).isEqualTo(linked.running().address());
        assertThat(word(BASE_SIZE)).isEqualTo(linked.running().size());
        assertThat(word(BASE_LOAD)).isEqualTo(linked.running().load()).isNotZero();
    }

    @Test
    void itNamesBothBuilds() {
        int section =
                linked.base().elf().section(".note.gnu.build-id").orElseThrow().index();
        long note = linked.running().address(linked.base(), section, 0).orElseThrow();
        assertThat(word(BASE_NOTE)).isEqualTo(note + 16);
        assertThat(hex(BASE_BUILD_ID)).isEqualTo(linked.base().buildId().orElseThrow());
        assertThat(hex(BUILD_ID))
                .isEqualTo(linked.edition().buildId().orElseThrow())
                .isNotEqualTo(hex(BASE_BUILD_ID));
        assertThat(text(VERSION)).isEqualTo("2.0");
        assertThat(text(SRCVERSION)).isEmpty();
    }

    @Test
    void theExitIsTheUpdatesOwnAndTheBasesGoesThroughAStub() {
        assertThat(word(EXIT)).isEqualTo(linked.inUpdate("cleanup_module"));
        var stub = linked.elf().symbols().stream()
                .filter(s -> s.name().equals("kmolt_stub_base_exit"))
                .findFirst()
                .orElseThrow();
        assertThat(word(EXIT_STUB)).isEqualTo(linked.start(stub.shndx()) + stub.value());
    }

    @Test
    void itsArraysStandBehindItOneAfterTheOther() {
        long start = linked.descriptorAddress();
        assertThat(word(SLOTS)).isEqualTo(start + END);
        assertThat(word(REDIRECTS)).isEqualTo(word(SLOTS) + 32 * word(SLOTS + 8));
        assertThat(word(COMMIT_RANGES)).isEqualTo(word(REDIRECTS) + 16 * word(REDIRECTS + 8));
        assertThat(word(WAYS)).isEqualTo(word(COMMIT_RANGES) + 16 * word(COMMIT_RANGES + 8));
        assertThat(word(WAYS + 8)).isEqualTo(1);
        int home = linked.way(0) + WAY_HOME;
        int ranges = linked.way(0) + WAY_RANGES;
        assertThat(word(home)).isEqualTo(word(WAYS) + WAY_SIZE);
        assertThat(word(ranges)).isEqualTo(word(home) + 16 * word(home + 8));
        assertThat(linked.descriptor().capacity() + start).isEqualTo(word(ranges) + 16 * word(ranges + 8));
    }

    @Test
    void itsCountsAreThoseThatTheToolReports() {
        assertThat(word(SLOTS + 8)).isEqualTo(linked.update().slots()).isEqualTo(1);
        assertThat(word(REDIRECTS + 8)).isEqualTo(linked.update().redirects()).isEqualTo(2);
        assertThat(linked.home()).hasSize(2);
    }

    @Test
    void whatMustBeEmptyIsTheChangedFunctionOfEachBuild() {
        long size = linked.base().item("opener").orElseThrow().size();
        long newSize = linked.edition().item("opener").orElseThrow().size();
        assertThat(linked.array(COMMIT_RANGES, 2))
                .containsExactly(List.of(linked.inBase("opener"), linked.inBase("opener") + size));
        assertThat(linked.revertRanges())
                .containsExactly(List.of(linked.inUpdate("opener"), linked.inUpdate("opener") + newSize));
    }

    @Test
    void theFlagSaysThatItStaysIfTheToolSaysWhy() throws LinkException {
        assertThat(linked.update().sticky()).isNotEmpty();
        assertThat(word(FLAGS)).isEqualTo(1);
        String source = "int work(int x) { return import_a(x) * %d; }";
        LinkedUpdate passing = LinkedUpdate.link(source.formatted(5), source.formatted(7));
        assertThat(passing.update().sticky()).isEmpty();
        assertThat(passing.descriptor().getLong(FLAGS)).isZero();
    }
}
