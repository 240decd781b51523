package io.kmolt.elf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every module of a distribution kernel is read, and written back byte for byte from what was read. */
@Tag("corpus")
class CorpusRoundTripTest {
    @ParameterizedTest
    @ValueSource(strings = {"6.1.0-55-amd64", "6.1.0-56-amd64"})
    void everyModuleIsWrittenBackByteForByte(String version) throws Exception {
        long relocations = 0;
        long symbols = 0;
        List<Path> modules = Corpus.modules(version);
        for (Path path : modules) {
            ElfObject object = ElfObject.read(path);
            ElfEditor editor = new ElfEditor(object);
            for (ElfSection section : object.sections()) {
                assertThat(object.content(section)).hasSize(section.hasContent() ? (int) section.size() : 0);
                relocations += object.relocations(section.index()).size();
            }
            symbols += object.symbols().size();

            assertThat(editor.build()).as(path.toString()).isEqualTo(Files.readAllBytes(path));
        }
        assertThat(modules).hasSizeGreaterThan(3900);
        assertThat(symbols).isGreaterThan(500_000);
        assertThat(relocations).isGreaterThan(2_000_000);
    }
}
