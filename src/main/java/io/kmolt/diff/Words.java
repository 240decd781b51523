package io.kmolt.diff;

import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import org.jspecify.annotations.Nullable;

/** Questions about the words of an object. */
public final class Words {
    private Words() {}

    /** Whether a word holds the address of code in either build. */
    public static boolean isCode(WordPair word) {
        return isFunction(word.oldReference()) || isFunction(word.newReference());
    }

    private static boolean isFunction(@Nullable Reference reference) {
        return reference != null
                && reference.referent() instanceof Referent.InItem in
                && in.item().function();
    }
}
