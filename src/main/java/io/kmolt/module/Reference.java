package io.kmolt.module;

import io.kmolt.elf.ElfRelocation;
import org.jspecify.annotations.Nullable;

/**
 * A place in code or data that refers to something.
 *
 * @param offset where the field is, in its section
 * @param width size of the field in bytes
 * @param use what is done with it
 * @param referent what is meant
 * @param relocation the relocation that fills the field, or null where the assembler has already resolved it
 * @param doubtful whether {@code referent} is the nearest thing, not certainly the one meant: the assembler has replaced
 *     the symbol by its section, and the place lies between two things or is only the origin of an indexed access
 */
public record Reference(
        long offset,
        int width,
        Use use,
        Referent referent,
        @Nullable ElfRelocation relocation,
        boolean doubtful) {

    /** What is done with what is referred to. */
    public enum Use {
        /** A call, or a jump out of the function. */
        BRANCH,
        /** A memory operand: read or written in place. */
        ACCESS,
        /** Its address is taken, and may be stored anywhere. */
        ADDRESS,
        /** A word of data that holds the address. */
        WORD
    }
}
