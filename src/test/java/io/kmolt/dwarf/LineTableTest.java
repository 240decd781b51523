package io.kmolt.dwarf;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.PlainObject;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Lines as compilers write them down, with addr2line as the peer; and what is no table. */
class LineTableTest {
    private static final String SOURCE = """
            int import_a(int);
            static inline int inlined(int x)
            {
                    return import_a(x + 7) * 3;
            }

            int first(int x)
            {
                    int y = inlined(x);

                    if (__builtin_expect(y > 4, 0))
                            return import_a(
                                    y);
                    return y;
            }
            #line 70000
            __attribute__((section(".init.text"))) int second(int x)
            {
                    while (x-- > 0)
                            import_a(x);
                    return inlined(x);
            }
            """;

    private static final Pattern LINE = Pattern.compile(":(\\d+)");

    @TempDir
    private Path folder;

    static Stream<Arguments> ways() {
        return PlainObject.compilers().stream()
                .flatMap(compiler -> Stream.of(2, 3, 4, 5)
                        .flatMap(version -> Stream.of("-O2", "-ffunction-sections")
                                .map(option -> Arguments.of(compiler, List.of("-gdwarf-" + version, "-O2", option)))));
    }

    private ElfObject object(String compiler, List<String> options) throws Exception {
        List<String> command = new ArrayList<>(List.of(compiler));
        command.addAll(options);
        return ElfObject.read(PlainObject.compile(folder.resolve("lines.o"), command, SOURCE));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("ways")
    void agreesWithAddr2line(String compiler, List<String> options) throws Exception {
        ElfObject object = object(compiler, options);
        LineTable table = LineTable.of(object);
        int code = 0;
        for (ElfSection section : object.sections()) {
            if (section.isExec() && section.size() > 0) {
                code++;
                List<OptionalInt> peer = addr2line(section);
                for (int at = 0; at < section.size(); at++) {
                    assertThat(table.line(section.index(), at))
                            .as("%s + %#x", section.name(), at)
                            .isEqualTo(peer.get(at));
                }
            }
        }
        assertThat(code).isGreaterThan(1);
    }

    /** Of each byte of a section; what clang takes for its own is of no line. */
    private List<OptionalInt> addr2line(ElfSection section) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        "addr2line", "-e", folder.resolve("lines.o").toString(), "-j", section.name())
                .start();
        try (Writer in = process.outputWriter()) {
            for (int at = 0; at < section.size(); at++) {
                in.write("%x%n".formatted(at));
            }
        }
        List<String> lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).isZero();
        return lines.stream()
                .map(LINE::matcher)
                .map(m -> m.find() ? OptionalInt.of(Integer.parseInt(m.group(1))) : OptionalInt.empty())
                .toList();
    }

    @Test
    void nothingIsKnownBehindTheEndOrWithoutDebuggingInformation() throws Exception {
        ElfObject object = object("gcc", List.of("-g"));
        ElfSection text = object.section(".text").orElseThrow();
        assertThat(LineTable.of(object).line(text.index(), text.size())).isEmpty();
        assertThat(LineTable.of(object).rows(text.index(), 0, text.size())).isNotEmpty();
        assertThat(LineTable.of(object).rows(1000, 0, 9)).isEmpty();
        assertThat(LineTable.of(object("gcc", List.of("-O2"))).line(text.index(), 0))
                .isEmpty();
    }

    /** Whatever the bytes are: the reading ends, and harms nobody. */
    @Test
    void damageEndsTheReading() throws Exception {
        ElfObject object = object("gcc", List.of("-g", "-O2"));
        byte[] section = object.content(object.section(".debug_line").orElseThrow());
        Random random = new Random(1);
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            for (int round = 0; round < 20_000; round++) {
                byte[] damaged = section.clone();
                for (int i = random.nextInt(4); i >= 0; i--) {
                    damaged[random.nextInt(damaged.length)] = (byte) (random.nextBoolean() ? -1 : random.nextInt());
                }
                int[] rows = {0};
                new LineProgram(damaged, _ -> Optional.of(new LineTable.Place(1, 0)), (_, _, _) -> rows[0]++).runAll();
                assertThat(rows[0]).isLessThanOrEqualTo(damaged.length);
            }
        });
    }
}
