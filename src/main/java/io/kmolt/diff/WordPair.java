package io.kmolt.diff;

import io.kmolt.module.Reference;
import org.jspecify.annotations.Nullable;

/**
 * One word of an object that both builds have.
 *
 * @param offset where it is in the object, in bytes
 * @param width its size, 8 where it can be read as a whole
 * @param oldReference what it refers to in the old build, null if it is a number
 * @param newReference what it refers to in the new build, null if it is a number
 * @param oldValue the number in the old build
 * @param newValue the number in the new build
 * @param same whether both builds mean the same; two builds of one function are the same here
 */
public record WordPair(
        long offset,
        int width,
        @Nullable Reference oldReference,
        @Nullable Reference newReference,
        long oldValue,
        long newValue,
        boolean same) {}
