package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes as many builds of a module as one likes out of one file: each has a build-id of its own, and another constant in
 * its code where it has one to vary.
 *
 * @param original the file
 * @param folder where the builds go
 */
record DistinctBuilds(Path original, Path folder) {
    /** {@code DIAL_SETTING} of tests/swaps/dial. */
    static final int SETTING = 0x5eed0000;

    private static final int NOTE_HEADER_SIZE = 16;

    /** Build number {@code n}, with a build-id that says so. */
    Path build(int n) throws Exception {
        return write(n, new ElfEditor(object()));
    }

    /** Build number {@code n} of dial, whose setting is {@link #SETTING} + {@code n}. */
    Path dial(int n) throws Exception {
        ElfObject object = object();
        ElfEditor editor = new ElfEditor(object);
        int places = 0;
        for (ElfSection section : object.sections()) {
            if (section.isAlloc() && section.name().startsWith(".text")) {
                ByteBuffer code =
                        ByteBuffer.wrap(object.content(section).clone()).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i + Integer.BYTES <= code.limit(); i++) {
                    if (code.getInt(i) == SETTING) {
                        code.putInt(i, SETTING + n);
                        places++;
                    }
                }
                editor.setContent(section.index(), code.array());
            }
        }
        assertThat(places).isPositive();
        return write(n, editor);
    }

    private ElfObject object() throws Exception {
        String name = original.toString();
        return ElfObject.parse(name, Compressed.expand(name, Files.readAllBytes(original)));
    }

    private Path write(int n, ElfEditor editor) throws Exception {
        ElfObject object = object();
        ElfSection note = object.section(".note.gnu.build-id").orElseThrow();
        ByteBuffer content = ByteBuffer.wrap(object.content(note).clone());
        content.putInt(NOTE_HEADER_SIZE, n);
        editor.setContent(note.index(), content.array());
        Path file = folder.resolve("%d-%s".formatted(n, original.getFileName()).replaceFirst("\\.xz$", ""));
        Files.write(file, editor.build());
        return file;
    }
}
