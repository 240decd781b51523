package io.kmolt.link;

import io.kmolt.module.Reference;
import org.jspecify.annotations.Nullable;

/**
 * A word of the base that names code or constants.
 *
 * @param address where it is
 * @param base what it holds while the base answers
 * @param reference what it refers to while the new build answers, null if it is a number
 * @param value that number
 * @param optional whether it is left alone if it holds something else
 */
record Slot(long address, long base, @Nullable Reference reference, long value, boolean optional) {}
