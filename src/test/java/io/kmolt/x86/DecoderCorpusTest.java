package io.kmolt.x86;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Instructions of real modules begin where binutils says that they do. */
@Tag("corpus")
class DecoderCorpusTest {
    private static final Pattern LINE = Pattern.compile("^ *([0-9a-f]+):\t.*");

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "kvm", "btrfs"})
    void instructionsBeginWhereObjdumpSaysTheyDo(String name) throws Exception {
        Path path = Corpus.module(Corpus.BOOKWORM, name);
        ElfObject object = ElfObject.read(path);
        ElfSection text = object.section(".text").orElseThrow();

        List<Instruction> decoded = Decoder.shared().decodeAll(object.content(text), 0, (int) text.size());

        assertThat(decoded.stream().map(Instruction::offset).toList()).isEqualTo(objdump(path));
        assertThat(decoded.getLast().end()).isEqualTo((int) text.size());
        assertThat(decoded).hasSizeGreaterThan(10_000);
    }

    @Test
    void allCodeOfAllModulesDecodes() throws Exception {
        long count = 0;
        for (Path path : Corpus.modules(Corpus.BOOKWORM)) {
            ElfObject object = ElfObject.read(path);
            for (ElfSection section : object.sections()) {
                if (section.isExec() && section.hasContent()) {
                    count += Decoder.shared()
                            .decodeAll(object.content(section), 0, (int) section.size())
                            .size();
                }
            }
        }
        assertThat(count).isGreaterThan(10_000_000);
    }

    /** A generous bound: it takes some 50 ms on an idle machine. */
    @Test
    void aLargeModuleDecodesInLessThanASecond() throws Exception {
        ElfObject object = ElfObject.read(Corpus.module(Corpus.BOOKWORM, "ext4"));
        ElfSection text = object.section(".text").orElseThrow();
        byte[] code = object.content(text);
        Decoder.shared().decodeAll(code, 0, code.length);

        long start = System.nanoTime();
        Decoder.shared().decodeAll(code, 0, code.length);
        Duration warm = Duration.ofNanos(System.nanoTime() - start);

        assertThat(warm).isLessThan(Duration.ofSeconds(1));
    }

    private static List<Integer> objdump(Path path) throws Exception {
        Process process = new ProcessBuilder(
                        "objdump", "-d", "-w", "-z", "--no-show-raw-insn", "-j", ".text", path.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<Integer> offsets = new ArrayList<>();
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher matcher = LINE.matcher(line);
                if (matcher.matches()) {
                    offsets.add(Integer.parseInt(matcher.group(1), 16));
                }
            }
        }
        assertThat(process.waitFor()).isZero();
        return offsets;
    }
}
