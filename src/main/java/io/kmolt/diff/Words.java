package io.kmolt.diff;

import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import org.jspecify.annotations.Nullable;

/** Questions about items and their words that both the verdict and the linker ask. */
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

    /** Whether an item belongs to a trace event, which the kernel has registered with the base's code and data. */
    public static boolean isTraceItem(io.kmolt.module.Item item) {
        return Verdict.isTraceItem(item);
    }

    /** Whether it does not matter that a variable begins anew, or who still knows its address. */
    public static boolean isHarmless(io.kmolt.module.Item item) {
        return Verdict.isHarmless(item);
    }
}
