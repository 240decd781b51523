package io.kmolt.link;

import io.kmolt.module.Reference;
import org.jspecify.annotations.Nullable;

/**
 * A word of the base that names code or constants.
 *
 * @param address where it is
 * @param baseImport the symbol of the kernel or of another module that it holds while the base answers; empty if it is
 *     none of these
 * @param base what it holds while the base answers: an address or number, or the distance from {@code baseImport}
 * @param reference what it refers to while the new build answers, null if it is a pad or a number
 * @param pad symbol of the update's own pad that it holds while the new build answers; 0 if it holds none
 * @param value the number that it holds then, or the address of an earlier update's pad
 * @param optional whether it is left alone if it holds something else
 */
record Slot(
        long address,
        String baseImport,
        long base,
        @Nullable Reference reference,
        int pad,
        long value,
        boolean optional) {

    /** The same word, holding a pad: one of the update's own by its symbol, or an address. */
    Slot leadingTo(int symbol, long padAddress) {
        return new Slot(address, baseImport, base, null, symbol, padAddress, optional);
    }
}
