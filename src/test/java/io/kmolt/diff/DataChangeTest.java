package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said to have become of variables and constants. */
class DataChangeTest {
    private static final String SOURCE = """
            struct ops { int (*open)(int); int (*close)(int); };
            static int opener(int x) { return import_a(x) + 5; }
            static int closer(int x) { return import_b(x) - 6; }
            const struct ops ops = { opener, closer };
            struct ops spare = { opener, closer };
            static const int weights[4] = { 1, 2, 3, 4 };
            int level = 3;
            int flags[2] = { 1, 0x100000 };
            char buffer[64];
            int uses(int i) { buffer[i] = weights[i & 3]; level++; return flags[i]; }
            """;

    private static final KernelModule BASE = TinyModule.compile(SOURCE);

    private static List<DataChange> changes(String source) {
        return DataChange.of(Comparer.compare(BASE, TinyModule.compile(source), Types.same()));
    }

    @ParameterizedTest(name = "{0} → {1}: {3}")
    @CsvSource(delimiter = '|', textBlock = """
            buffer[64]          | buffer[128]         | buffer  | RESIZED       | 64 → 128 bytes                            | 64 | 128 | -1
            level = 3           | level = 4           | level   | INITIAL_VALUE | 3 → 4                                     | 4  | 4   | 0
            0x100000 }          | 0x100001 }          | flags   | INITIAL_VALUE | 0x100000 → 0x100001 at offset 4           | 8  | 8   | 4
            2, 3, 4 }           | 2, 3, 5 }           | weights | CONTENTS      | 4 → 5 at offset 12                        | 16 | 16  | 12
            ops ops = { opener  | ops ops = { closer  | ops     | CONTENTS      | opener → closer at offset 0               | 16 | 16  | 0
            """)
    void aChangedObjectSaysHow(
            String before,
            String after,
            String name,
            DataChange.State state,
            String text,
            long oldSize,
            long newSize,
            long offset) {
        assertThat(SOURCE).contains(before);
        DataChange change = changes(SOURCE.replace(before, after)).getFirst();
        assertThat(change.name()).isEqualTo(name);
        assertThat(change.state()).isEqualTo(state);
        assertThat(change.text()).isEqualTo(text);
        assertThat(change.oldSize()).isEqualTo(oldSize);
        assertThat(change.newSize()).isEqualTo(newSize);
        assertThat(change.offset()).isEqualTo(offset);
    }

    @Test
    void aVariableThatNamesOtherFunctionsHasOtherContents() {
        assertThat(changes(SOURCE.replace("spare = { opener, closer }", "spare = { opener, opener }")))
                .singleElement()
                .satisfies(change -> {
                    assertThat(change.state()).isEqualTo(DataChange.State.CONTENTS);
                    assertThat(change.text()).isEqualTo("closer → opener at offset 8");
                });
    }

    @Test
    void whatOnlyOneBuildHasIsNewOrGone() {
        List<DataChange> changes = changes(SOURCE.replace("level", "degree") + "int more[3];");
        assertThat(changes)
                .extracting(change -> change.state() + " " + change.name() + ": " + change.text())
                .containsExactly("NEW degree: 4 bytes", "GONE level: 4 bytes", "NEW more: 12 bytes");
    }

    @Test
    void theSameBuildHasTheSameData() {
        assertThat(changes(SOURCE)).isEmpty();
    }
}
