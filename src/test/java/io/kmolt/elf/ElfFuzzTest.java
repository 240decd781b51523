package io.kmolt.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged modules are read, or refused with an {@link ElfException}: nothing else, in bounded time and memory. What is
 * read despite its damage can also be written back and edited.
 */
class ElfFuzzTest {
    /** Sizes in memory of what a file's bytes become (a 24-byte symbol with its name, some 200), with much room to spare. */
    private static final int MEMORY_FACTOR = 60;

    private int accepted;
    private int refused;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void damagedSyntheticObjects(long seed) {
        fuzz(SyntheticObject.bytes(), seed, 20_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"minix", "dummy", "libcrc32c", "nls_cp437", "loop", "ext4"})
    @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    @Tag("corpus")
    void damagedModules(String name) throws Exception {
        byte[] module = Files.readAllBytes(Corpus.module(Corpus.BOOKWORM, name));
        fuzz(module, name.hashCode(), Math.clamp(400_000_000L / module.length, 100, 2000));
    }

    private void fuzz(byte[] original, long seed, int rounds) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        for (int round = 0; round < rounds; round++) {
            byte[] damaged = ElfDamage.damage(original, random);
            try {
                attempt(damaged);
            } catch (RuntimeException | Error e) {
                fail("seed " + seed + ", round " + round, e);
            }
        }
        assertThat(accepted).as("accepted").isGreaterThan(rounds / 100);
        assertThat(refused).as("refused").isGreaterThan(rounds / 10);
    }

    /** Every byte of the ELF header and of the section header table, at its extremes. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void everyHeaderFieldAtItsExtremes() {
        byte[] original = SyntheticObject.bytes();
        int table = SyntheticObject.header(0);
        for (int at = 0; at < original.length - 8; at = at == 62 ? table : at + 2) {
            for (long extreme : ElfDamage.EXTREMES) {
                for (int width = 2; width <= 8; width *= 2) {
                    byte[] damaged = original.clone();
                    ElfDamage.put(SyntheticObject.le(damaged), at, width, extreme);
                    attempt(damaged);
                }
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    private void attempt(byte[] damaged) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            ElfObject object = ElfObject.parse("fuzzed.ko", damaged);
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .isLessThan(1_000_000 + (long) MEMORY_FACTOR * damaged.length);
            use(object, damaged);
            accepted++;
        } catch (ElfException e) {
            assertThat(e.getMessage()).startsWith("fuzzed.ko: ").contains("offset 0x");
            assertThat(e.offset()).isBetween(0L, (long) damaged.length);
            refused++;
        }
    }

    private static void use(ElfObject object, byte[] damaged) throws ElfException {
        for (ElfSection section : object.sections()) {
            byte[] content = object.content(section);
            for (ElfRelocation r : object.relocations(section.index())) {
                assertThat(object.symbols().get(r.symbol())).isNotNull();
                boolean compressed = (section.flags() & Elf.SHF_COMPRESSED) != 0;
                assertThat(compressed || r.offset() + r.width() <= content.length)
                        .isTrue();
            }
        }
        for (ElfSymbol symbol : object.symbols()) {
            if (symbol.isDefined()) {
                assertThat(symbol.value() + symbol.size())
                        .isLessThanOrEqualTo(
                                object.sections().get(symbol.shndx()).size());
            }
        }
        assertThat(new ElfEditor(object).build()).isEqualTo(damaged);
        if (!object.symbols().isEmpty()) {
            ElfEditor editor = new ElfEditor(object);
            int section = editor.addSection(".kmolt", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 8, new byte[8]);
            int symbol = editor.addSymbol("kmolt", Elf.STB_GLOBAL, Elf.STT_OBJECT, section, 0, 8);
            assertThat(ElfObject.parse("fuzzed.ko", editor.build())
                            .symbols()
                            .get(symbol)
                            .name())
                    .isEqualTo("kmolt");
        }
    }
}
