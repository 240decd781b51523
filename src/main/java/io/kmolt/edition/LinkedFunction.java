package io.kmolt.edition;

import io.kmolt.edition.EditionTarget.LoadedObject;
import java.util.List;

/**
 * A kernel function with the editions that a file has for it.
 *
 * @param label {@code NAME}, {@code MODULE:NAME}, or either with {@code ,N} for the Nth of several
 * @param name its name in the kernel
 * @param symbol where it is
 * @param object where its module is; zeros for vmlinux
 * @param editions by number
 */
record LinkedFunction(
        String label, String name, KernelSymbol symbol, LoadedObject object, List<DeclaredEdition> editions) {}
