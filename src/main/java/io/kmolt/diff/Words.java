package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Questions about items and their words that both the verdict and the linker ask. */
public final class Words {
    /** Variables of which it does not matter that they begin anew: they only limit how often something is said. */
    private static final Set<String> HARMLESS = Set.of("__already_done", "__warned", "__print_once", "_rs", "__key");

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

    /**
     * Whether a constant object names code or variables: then others may hold it, and there must be one of it. A table of
     * strings and numbers is as good as an equal one.
     */
    public static boolean isTable(KernelModule module, Item item) {
        return module.references(item).stream().anyMatch(r -> switch (r.referent()) {
            case Referent.Literal _ -> false;
            case Referent.InItem in -> in.item().function() || in.item().kind() != SectionKind.DEFINITION;
            case Referent.Import _, Referent.Anonymous _, Referent.Absolute _ -> true;
        });
    }

    /** Whether an item belongs to a trace event, which the kernel has registered with the base's code and data. */
    public static boolean isTraceItem(KernelModule module, Item item) {
        return module.traceItems().contains(item);
    }

    /** Whether it does not matter that a variable begins anew, or who still knows its address. */
    public static boolean isHarmless(Item item) {
        return HARMLESS.contains(item.stem());
    }
}
