package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.module.TinyModule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One change to a module's source is seen by the comparison if the compiler makes something else of it.
 *
 * <p>{@code -Dkmolt.mutations=N} and {@code -Dkmolt.seed=S} as in {@link MutationTest}; of sources there are fewer, as
 * each has to be compiled.
 */
@Tag("corpus")
class SourceMutationTest {
    private static final int MUTATIONS = Integer.getInteger("kmolt.mutations", 100);
    private static final long SEED = Long.getLong("kmolt.seed", 1);

    private static final String SMALL = """
            struct ops { int (*open)(int); int (*close)(int); };
            struct state {
                int users;
                long used;
                int limit;
                char name[16];
            };
            static const int weights[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
            static struct state state = { 1, 20, 300, "first" };
            static int limit = 10;
            static const char *const names[] = { "one", "two", "three" };
            int level = 3;
            static int opener(int x) { return import_a(x) + 5; }
            static int closer(int x)
            {
                static int closed = 7;
                closed += x;
                state.used = closed;
                return import_b(closed) - 6;
            }
            const struct ops ops = { opener, closer };
            static noinline int callee(int x)
            {
                static int closed = 8;
                closed -= x;
                if (x > 5 && closed != 9)
                    printk("callee of %d", x);
                return import_a(closed) * 11;
            }
            int calls(int x)
            {
                if (x < 0)
                    return callee(x) + limit;
                state.users++;
                limit = weights[x & 7];
                return callee(x) | state.limit;
            }
            void speaks(int x) { printk("hello %s", names[x & 1]); }
            int levels(void) { return level + 1; }
            int switches(int x)
            {
                switch (x) {
                case 1: return import_a(17);
                case 2: return import_b(18);
                case 3: return 19;
                default: return x * 20;
                }
            }
            int __init init_module(void) { state.limit = 400; return 0; }
            void __exit cleanup_module(void) { level = 0; }
            """;

    @TempDir
    Path folder;

    private interface Build {
        Optional<byte[]> of(String source) throws Exception;
    }

    @Test
    void aChangeOfASmallSourceIsNamed() throws Exception {
        check("a small module", SMALL, Math.max(1, MUTATIONS * 15 / 100), source -> tiny(List.of(), source));
    }

    /** Numbers that change while all lines move are no line numbers, though some are about as large as their lines. */
    @Test
    void aChangeOfASmallSourceIsNamedAlsoIfItsLinesMove() throws Exception {
        List<String> options = List.of("-g");
        KernelModule base = KernelModule.parse("base", tiny(options, SMALL).orElseThrow());
        RandomGenerator random = random("lines");
        List<String> missed = new ArrayList<>();
        int named = 0;
        for (int round = 0; round < Math.max(1, MUTATIONS * 15 / 100); round++) {
            String lines = "\n".repeat(1 + random.nextInt(3));
            Optional<SourceMutator.Change> change = SourceMutator.mutate(SMALL, random);
            Optional<byte[]> mutant = change.flatMap(c -> tiny(options, c.text()));
            if (mutant.isPresent() && isNamed(base, mutant.get())) {
                named++;
                if (!isNamed(
                        base,
                        change.flatMap(c -> tiny(options, lines + c.text())).orElseThrow())) {
                    missed.add("%d lines more, %s"
                            .formatted(lines.length(), change.get().what()));
                }
            }
        }
        System.out.printf("%d changes with all lines moved, seed %d: %d missed%n", named, SEED, missed.size());
        assertThat(missed).isEmpty();
        assertThat(named).isPositive();
        assertThat(isNamed(base, tiny(options, "\n\n" + SMALL).orElseThrow()))
                .as("only lines moved")
                .isFalse();
    }

    private static Optional<byte[]> tiny(List<String> options, String source) {
        try {
            return Optional.of(TinyModule.build("tiny", options, source));
        } catch (AssertionError e) {
            return Optional.empty(); // does not compile
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"greeter", "minix"})
    void aChangeOfARealSourceIsNamed(String module) throws Exception {
        ModuleBuild build = module.equals("greeter")
                ? ModuleBuild.ofExample(folder.resolve(module))
                : ModuleBuild.ofKernel(module, folder.resolve(module));
        RandomGenerator random = random(module);
        List<Path> sources = build.sources();
        Path chosen = sources.get(random.nextInt(sources.size()));
        String original = Files.readString(chosen);
        check(module + "/" + chosen.getFileName(), original, Math.max(1, MUTATIONS / 100), source -> {
            Files.writeString(chosen, source);
            return build.build();
        });
    }

    private static RandomGenerator random(String name) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(SEED * 31 + name.hashCode());
    }

    private static void check(String name, String source, int rounds, Build build) throws Exception {
        byte[] file = build.of(source).orElseThrow();
        KernelModule base = KernelModule.parse(name, file);
        ElfObject original = ElfObject.parse(name, file);
        Map<String, String> form = form(file);
        RandomGenerator random = random(name);
        List<String> missed = new ArrayList<>();
        int named = 0;
        int neutral = 0;
        int uncompiled = 0;
        while (named + neutral + missed.size() < rounds) {
            SourceMutator.Change change = SourceMutator.mutate(source, random).orElse(null);
            if (change == null) {
                continue;
            }
            byte[] mutant = build.of(change.text()).orElse(null);
            if (mutant == null) {
                uncompiled++;
            } else if (isNamed(base, mutant)) {
                named++;
            } else if (LinkedForm.differences(form, form(mutant)).isEmpty()
                    || MovedForm.isMoved(original, ElfObject.parse("mutant", mutant))) {
                neutral++;
            } else {
                missed.add(change.what() + ": " + LinkedForm.differences(form, form(mutant)));
            }
        }
        System.out.printf(
                "%s: %d mutations with seed %d: %d named, %d change nothing, %d missed; %d more do not compile%n",
                name, rounds, SEED, named, neutral, missed.size(), uncompiled);
        assertThat(missed).isEmpty();
        if (rounds >= 10) {
            assertThat(named).isGreaterThan(rounds / 2);
        }
    }

    private static Map<String, String> form(byte[] file) throws ElfException {
        ElfObject elf = ElfObject.parse("form", file);
        return LinkedForm.of(elf, LinkedForm.padding(elf));
    }

    private static boolean isNamed(KernelModule base, byte[] mutant) throws ElfException {
        try {
            Comparison comparison = Comparer.compare(base, KernelModule.parse("mutant", mutant), Types.same());
            return !MutationTest.named(comparison).isEmpty();
        } catch (ModuleException e) {
            return true;
        }
    }
}
