package io.kmolt.elf;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file is not an object that kmolt can work with: not ELF, of another machine, truncated, or inconsistent.
 *
 * <p>The message reads {@code FILE: section .foo: offset 0x1f40: what is wrong}; the section is left out where none is
 * concerned.
 */
public final class ElfException extends Exception {
    private final String file;
    private final @Nullable String section;
    private final long offset;
    private final String problem;

    /**
     * @param file the file's name as the user knows it
     * @param section name of the section concerned, or null
     * @param offset where in the file, in bytes
     * @param problem what is wrong, as a phrase
     */
    public ElfException(String file, @Nullable String section, long offset, String problem) {
        super(file + ": " + (section == null ? "" : "section " + section + ": ") + "offset 0x"
                + Long.toHexString(offset) + ": " + problem);
        this.file = file;
        this.section = section;
        this.offset = offset;
        this.problem = problem;
    }

    public String file() {
        return file;
    }

    public Optional<String> section() {
        return Optional.ofNullable(section);
    }

    /** Where in the file, in bytes. */
    public long offset() {
        return offset;
    }

    /** What is wrong, without the place. */
    public String problem() {
        return problem;
    }
}
