package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.kmolt.edition.Editions.Kernel;
import io.kmolt.elf.ElfDamage;
import io.kmolt.elf.ElfException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files with editions are refused with a reason, or linked: nothing else. */
class EditionFileFuzzTest {
    private static final int ROUNDS = 3_000;
    private static final int SEED = 20_261_127;

    @Test
    @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aDamagedFileIsRefusedOrLinked(@TempDir Path folder) throws Exception {
        Editions.pipes(folder);
        byte[] original = Files.readAllBytes(folder.resolve("pipes.ko"));
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        int linked = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = ElfDamage.damage(original, random);
            try {
                linked += links(damaged) ? 1 : 0;
            } catch (RuntimeException | Error e) {
                Path kept = Files.write(Files.createTempFile("damaged", ".ko"), damaged);
                fail("round " + round + ": " + kept, e);
            }
        }
        System.out.printf("%d of %d damaged files were linked%n", linked, ROUNDS);
        assertThat(linked).isBetween(ROUNDS / 100, ROUNDS * 9 / 10);
    }

    private static boolean links(byte[] damaged) {
        try {
            EditionFile file = EditionFile.parse("damaged.ko", damaged);
            EditionUpdate update =
                    EditionLinker.link(file, Kernel.withPipes().facts(), Prototypes.unknown("nobody asked"));
            assertThat(update.image()).isNotEmpty();
            return true;
        } catch (EditionException | ElfException e) {
            assertThat(e).hasMessageNotContaining("null");
            return false;
        }
    }
}
