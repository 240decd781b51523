package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Comparison;
import io.kmolt.diff.Types;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * New builds that are damaged, anywhere in the file or where it tells a linker what means what: each of them is refused
 * with a reason, or is linked; nothing else happens, in bounded time.
 */
@Tag("corpus")
class HostileBuildTest {
    private int refused;
    private int linked;

    @ParameterizedTest
    @CsvSource({"minix, 600", "nls_cp437, 300", "dummy, 600"})
    @Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void damagedBuildsAreRefusedOrLinked(String name, int rounds) throws Exception {
        byte[] original = Files.readAllBytes(Corpus.module(Corpus.BOOKWORM, name));
        KernelModule base = KernelModule.parse(name, original);
        List<ElfSection> telling = base.elf().sections().stream()
                .filter(s -> s.size() > 0
                        && s.name().matches("\\.rela.*|\\.symtab|\\.strtab|__.*|\\.gnu\\.linkonce.*|\\.modinfo"))
                .toList();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(name.hashCode());
        for (int round = 0; round < rounds; round++) {
            byte[] damaged = original.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                ElfSection section = telling.get(random.nextInt(telling.size()));
                int at = round % 4 == 0
                        ? random.nextInt(damaged.length)
                        : (int) (section.offset() + random.nextLong(section.size()));
                damaged[at] = (byte) random.nextInt(256);
            }
            try {
                attempt(base, damaged);
            } catch (RuntimeException | Error e) {
                fail(name + ", round " + round, e);
            }
        }
        System.out.printf("%s: %d refused, %d linked%n", name, refused, linked);
        assertThat(refused).isGreaterThan(rounds / 10);
        assertThat(linked).isPositive();
    }

    private void attempt(KernelModule base, byte[] damaged) {
        try {
            KernelModule edition = KernelModule.parse("damaged.ko", damaged);
            Comparison comparison = Comparer.compare(base, edition, Types.same());
            if (!comparison.refusals().isEmpty()) {
                refused++;
                return;
            }
            LinkedUpdate update = LinkedUpdate.link(base, edition);
            ElfObject.parse("update.ko", update.update().image());
            linked++;
        } catch (ElfException | ModuleException | LinkException e) {
            assertThat(String.valueOf(e.getMessage())).isNotBlank();
            refused++;
        } catch (AssertionError e) {
            // LinkedUpdate turns what the linker says of a file that cannot be rewritten into this.
            if (!(e.getCause() instanceof ElfException)) {
                throw e;
            }
            refused++;
        }
    }
}
