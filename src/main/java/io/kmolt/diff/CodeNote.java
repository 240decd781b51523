package io.kmolt.diff;

import io.kmolt.module.Reference;
import java.util.Arrays;
import java.util.List;

/**
 * What one entry of a table says about a place in code: how a fault there is fixed up, what replaces an instruction, which
 * key a jump label has.
 *
 * @param place where in the code, from the beginning of what is looked at
 * @param table name of the table's section
 * @param content the entry's bytes, with those that relocations fill, or that do not count, set to zero
 * @param references what else the entry refers to, by offset in {@code content}
 */
record CodeNote(long place, String table, byte[] content, List<Reference> references) {

    /** Whether it says the same about the same place, apart from what its references mean. */
    boolean matches(CodeNote other) {
        return place == other.place
                && table.equals(other.table)
                && Arrays.equals(content, other.content)
                && Shape.samePlaces(references, other.references);
    }

    CodeNote from(long start) {
        return new CodeNote(place - start, table, content, references);
    }
}
