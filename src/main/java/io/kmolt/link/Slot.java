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
 * @param reference what it refers to while the new build answers, null if it is a number
 * @param value that number
 * @param optional whether it is left alone if it holds something else
 */
record Slot(
        long address,
        String baseImport,
        long base,
        @Nullable Reference reference,
        long value,
        boolean optional) {}
