package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.module.Signature;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One change to a module's file, whatever it is, is seen by the comparison if it changes what the kernel has once the module
 * is loaded.
 *
 * <p>{@code -Dkmolt.mutations=N} makes N of them in all, {@code -Dkmolt.seed=S} others.
 */
@Tag("corpus")
class MutationTest {
    private static final int MUTATIONS = Integer.getInteger("kmolt.mutations", 100);
    private static final long SEED = Long.getLong("kmolt.seed", 1);

    /** What a comparison has to say; empty if nothing. */
    private static String named(KernelModule base, byte[] file) {
        KernelModule mutant;
        try {
            mutant = KernelModule.parse("mutant.ko", file);
        } catch (ElfException | ModuleException e) {
            return "refused: " + e.getMessage();
        }
        return named(Comparer.compare(base, mutant, Types.same()));
    }

    static String named(Comparison comparison) {
        List<String> names = new ArrayList<>();
        for (Change change : List.of(Change.CHANGED, Change.GONE)) {
            Comparison.with(comparison.functions(), change).forEach(i -> names.add(i + " " + change));
            Comparison.with(comparison.objects(), change).forEach(i -> names.add(i + " " + change));
        }
        comparison.newFunctions().forEach(i -> names.add(i + " new"));
        comparison.newObjects().forEach(i -> names.add(i + " new"));
        comparison.refusals().forEach(r -> names.add("refused: " + r));
        comparison.others().forEach(o -> names.add(o.toString()));
        return String.join(", ", names);
    }

    @ParameterizedTest
    @CsvSource({"minix, 50", "jbd2, 25", "kvm, 15", "ext4, 10"})
    void aChangeOfWhatIsLoadedIsNamed(String name, int share) throws Exception {
        byte[] file = Signature.strip(Files.readAllBytes(Corpus.module(Corpus.BOOKWORM, name)));
        ElfObject elf = ElfObject.parse(name, file);
        KernelModule base = KernelModule.parse(name, file);
        assertThat(named(base, file)).isEmpty();
        Map<Integer, BitSet> padding = LinkedForm.padding(elf);
        Map<String, String> form = LinkedForm.of(elf, padding);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED * 31 + name.hashCode());
        Mutator mutator = new Mutator(elf, random);
        int rounds = Math.max(1, MUTATIONS * share / 100);
        int neutral = 0;
        List<String> missed = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            Mutator.Mutant mutant = mutator.next();
            String named = named(base, mutant.file());
            if (named.isEmpty()) {
                var differences =
                        LinkedForm.differences(form, LinkedForm.of(ElfObject.parse("mutant", mutant.file()), padding));
                if (differences.isEmpty()) {
                    neutral++;
                } else {
                    missed.add("round %d, %s: %s differ".formatted(round, mutant.what(), differences));
                }
            }
        }
        System.out.printf(
                "%s: %d mutations with seed %d: %d named, %d change nothing, %d missed%n",
                name, rounds, SEED, rounds - neutral - missed.size(), neutral, missed.size());
        assertThat(missed).isEmpty();
        if (rounds >= 20) {
            assertThat(neutral).as("mutations that change nothing").isLessThan(rounds / 2);
        }
    }
}
