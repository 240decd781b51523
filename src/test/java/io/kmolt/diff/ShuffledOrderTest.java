package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import io.kmolt.module.Signature;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Real modules with their symbols and sections in any order, and other numbers behind the names of static variables: each
 * function and variable is found again, nothing differs, and it is the same every time.
 *
 * <p>{@code -Dkmolt.shuffles=N} makes N times as many.
 */
@Tag("corpus")
class ShuffledOrderTest {
    private static final int TIMES = Integer.getInteger("kmolt.shuffles", 1);
    private static final long SEED = Long.getLong("kmolt.seed", 1);

    @ParameterizedTest
    @CsvSource({"minix, 6", "jbd2, 6", "ext4, 3", "kvm, 3", "nf_tables, 3", "snd-soc-rt5645, 3", "drm, 3", "mac80211, 2"
    })
    void everythingIsFoundAgainInAnyOrder(String name, int share) throws Exception {
        byte[] original = Signature.strip(
                io.kmolt.elf.Compressed.expand(name, Files.readAllBytes(Corpus.module(Corpus.BOOKWORM, name))));
        KernelModule base = KernelModule.parse(name, original);
        for (int round = 0; round < share * TIMES; round++) {
            Random random = new Random(SEED * 1000 + round);
            Shuffler.Shuffled shuffled = Shuffler.shuffle(ElfObject.parse(name, original), random);
            KernelModule edition = KernelModule.parse(name, shuffled.file());
            Comparison comparison = Comparer.compare(base, edition, Types.same());
            assertThat(MutationTest.named(comparison)).as("round %d", round).isEmpty();
            for (Item item : edition.items()) {
                Item old = comparison.correlation().oldOf(item);
                if (old == null || isAnyConstant(base, old)) {
                    continue;
                }
                assertThat(place(item.section(), item))
                        .as("%s, round %d", item, round)
                        .isEqualTo(place(shuffled.sections()[old.section()], old));
            }
            assertThat(matched(Comparer.compare(base, edition, Types.same())))
                    .as("the second time, round %d", round)
                    .isEqualTo(matched(comparison));
        }
    }

    /** A constant that names nothing may be taken for an equal one. */
    private static boolean isAnyConstant(KernelModule module, Item item) {
        return !item.function() && item.kind() == SectionKind.DEFINITION && !Words.isTable(module, item);
    }

    private static String place(int section, Item item) {
        return "%s at %d of section %d, %d bytes".formatted(item.stem(), item.offset(), section, item.size());
    }

    private static Map<Item, Item> matched(Comparison comparison) {
        Map<Item, Item> matched = new HashMap<>();
        for (Item item : comparison.newModule().items()) {
            Item old = comparison.correlation().oldOf(item);
            if (old != null) {
                matched.put(item, old);
            }
        }
        return matched;
    }
}
