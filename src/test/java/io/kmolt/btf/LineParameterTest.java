package io.kmolt.btf;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.ElfObject;
import io.kmolt.module.PlainObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which parameters count as lines of a source: with less than the whole custom, none does. */
class LineParameterTest {
    @TempDir
    private Path folder;

    @ParameterizedTest(name = "({0})")
    @CsvSource(delimiter = '|', textBlock = """
            struct s *s, const char *function, unsigned int line, int error | 2 certain
            const char *file, int line                                      | 1 certain
            const char *where, unsigned int line_no                         | 1 certain
            long a, enum e b, _Bool c, u8 d, const char *fname, int linenum  | 5 certain
            const char *file, u32 line                                      | 1 certain
            const char *name, int line                                      | 1
            int line                                                        | 0
            struct s *port, int line                                        | 1
            int line, const char *file                                      | 0
            const unsigned *file, int line                                  | 1
            const char *file, long line                                     | none
            const char *file, struct s *line                                | none
            const char *file, int baud                                      | none
            struct s by_value, const char *file, int line                   | none
            double x, const char *file, int line                            | none
            """)
    void isToldByNamesAndTypes(String parameters, String expected) throws Exception {
        String source = """
                typedef unsigned int u32; typedef unsigned char u8;
                struct s { long a, b, c; }; enum e { ONE };
                int f(%s) { return 0; }
                """.formatted(parameters);
        ElfObject object =
                ElfObject.read(PlainObject.compile(folder.resolve("f.o"), List.of("gcc", "-g", "-O0"), source));
        Btf types = DwarfTypes.of(object, Optional.empty());
        assertThat(LineParameter.of(types, "f")
                        .map(p -> p.place() + (p.certain() ? " certain" : ""))
                        .orElse("none"))
                .isEqualTo(expected);
        assertThat(LineParameter.of(types, "g")).isEmpty();
    }
}
