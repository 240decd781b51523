package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.btf.DwarfTypes;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real modules that are built again from the same sources differ in nothing: at another path, with all line numbers
 * shifted, their objects linked in another order, through a compiler cache if there is one.
 *
 * <p>{@code -Dkmolt.rebuilt=minix,jbd2} says which, {@code -Dkmolt.seed=S} in which order.
 */
@Tag("corpus")
class RebuildTest {
    private static final Pattern OBJECTS = Pattern.compile(
            "^(\\S+-(?:y|objs)\\s*:?\\+?=\\s*)((?:\\S+\\.o(?:\\s*\\\\\\n\\s*|[ \\t]*))+)$", Pattern.MULTILINE);

    @TempDir
    Path folder;

    static List<String> rebuilt() {
        return Arrays.asList(System.getProperty("kmolt.rebuilt", "minix").split(","));
    }

    @ParameterizedTest
    @MethodSource("rebuilt")
    void anUnmodifiedBuildIsTheSame(String module) throws Exception {
        byte[] first = ModuleBuild.ofKernel(module, folder.resolve("first").resolve(module))
                .build()
                .orElseThrow();
        Path elsewhere = folder.resolve("quite/somewhere/else").resolve(module);
        ModuleBuild again = ModuleBuild.ofKernel(module, elsewhere);
        for (Path source : again.sources()) {
            Files.writeString(source, "/* a line more,\n   and another one */\n" + Files.readString(source));
        }
        boolean several = linkInAnotherOrder(again.makefile());
        byte[] second = again.build(compilers()).orElseThrow();
        KernelModule base = KernelModule.parse("first", first);
        KernelModule edition = KernelModule.parse("second", second);
        assertThat(several).isTrue();
        assertThat(base.functions().getFirst().name())
                .as("the first function: the order is another one")
                .isNotEqualTo(edition.functions().getFirst().name());
        Types types = new BtfTypes(
                DwarfTypes.of(base.elf(), Optional.empty()), DwarfTypes.of(edition.elf(), Optional.empty()));
        assertThat(MutationTest.named(Comparer.compare(base, edition, types))).isEmpty();
    }

    private static boolean linkInAnotherOrder(Path makefile) throws IOException {
        Matcher matcher = OBJECTS.matcher(Files.readString(makefile));
        boolean[] several = {false};
        Random random = new Random(Long.getLong("kmolt.seed", 1));
        String shuffled = matcher.replaceAll(list -> {
            List<String> objects =
                    new java.util.ArrayList<>(Stream.of(list.group(2).split("[\\s\\\\]+"))
                            .filter(o -> !o.isEmpty())
                            .toList());
            String first = objects.getFirst();
            while (objects.size() > 1 && objects.getFirst().equals(first)) {
                Collections.shuffle(objects, random);
                several[0] = true;
            }
            return Matcher.quoteReplacement(list.group(1) + String.join(" ", objects));
        });
        Files.writeString(makefile, shuffled);
        return several[0];
    }

    private String[] compilers() {
        boolean cached =
                Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, "ccache")));
        System.out.println(cached ? "the second build goes through ccache" : "there is no ccache");
        return cached ? new String[] {"CC=ccache gcc-12"} : new String[0];
    }
}
