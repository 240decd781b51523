package io.kmolt.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.lab.Kernel;
import io.kmolt.lab.KernelCache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every section that occurs in the modules of the distribution's kernels is known by its name. */
@Tag("corpus")
class SectionCorpusTest {

    /** Those that {@code make setup} fetches, and what else is in the cache. */
    static Set<String> kernels() throws IOException {
        Set<String> kernels = new TreeSet<>();
        kernels.add(Corpus.BOOKWORM_BEFORE);
        kernels.add(Corpus.BOOKWORM);
        kernels.add(Corpus.NEWER);
        KernelCache.ofUser().kernels().stream()
                .map(Kernel::version)
                .filter(version -> version.contains("-amd64"))
                .forEach(kernels::add);
        return kernels;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void everySectionIsKnownByItsName(String version) throws Exception {
        SortedMap<String, Path> unknown = new TreeMap<>();
        int sections = 0;
        for (Path path : Corpus.modules(version)) {
            ElfObject object = ElfObject.parse(
                    path.toString(), Signature.strip(Compressed.expand(path.toString(), Files.readAllBytes(path))));
            for (ElfSection section : object.sections()) {
                sections++;
                if (!isKnown(section)) {
                    unknown.putIfAbsent(section.name(), path);
                }
            }
        }
        assertThat(unknown)
                .as("unknown sections of %s, each with a module that has it", version)
                .isEmpty();
        assertThat(sections).isGreaterThan(100_000);
    }

    private static boolean isKnown(ElfSection section) {
        return section.isAlloc()
                ? SectionKind.of(section).isPresent()
                : section.type() == Elf.SHT_RELA
                        || section.type() == Elf.SHT_NULL
                        || SectionKind.FILE_ONLY.names().contains(section.name());
    }

    /** As docs/sections.md tells it. */
    @Test
    void thePageOfSectionsSaysWhatTheCodeSays() throws Exception {
        Path page = Path.of(System.getProperty("kmolt.home", ".")).resolve("docs/sections.md");
        String expected = Stream.of(SectionKind.values())
                .map(kind -> "| `%s` | %s | %s |%n"
                        .formatted(kind.name().toLowerCase(Locale.ROOT), names(kind), kind.inUpdate()))
                .reduce("", String::concat);
        assertThat(Files.readString(page)).contains(expected);
    }

    private static String names(SectionKind kind) {
        Set<String> names = new TreeSet<>();
        kind.names().forEach(name -> names.add("`" + name + "`"));
        switch (kind) {
            case STRINGS -> names.add("`.rodata.strN.M` with characters of one byte");
            case CONSTANTS -> names.add("`.rodata.cstN`, `.rodata.cstN.NAME`");
            case DEFINITION -> names.add("`.rodata.strN.M` with wider characters");
            case NOTE -> names.add("all of type `SHT_NOTE`");
            case FILE_ONLY -> names.add("all others without `SHF_ALLOC`");
            default -> {}
        }
        return String.join(", ", names);
    }
}
