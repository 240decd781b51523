package io.kmolt.btf;

import java.util.Collection;
import java.util.Set;

/** Which types a comparison begins with; types that these embed are compared in any case. */
public sealed interface Scope {

    /** All types that the module owns: those of the split part of either BTF, or of a BTF that is not split. */
    record Owned() implements Scope {}

    /** Types that the module owns and that can be reached from these, through members, pointers and typedefs. */
    record Reachable(Set<String> from) implements Scope {
        public Reachable {
            from = Set.copyOf(from);
        }
    }

    /** All types that the module owns. */
    static Scope owned() {
        return new Owned();
    }

    /**
     * Types that the module owns and that can be reached from the named ones.
     *
     * @param names as {@code struct foo}, {@code union u}, {@code enum e} or {@code typedef t}
     */
    static Scope reachableFrom(Collection<String> names) {
        return new Reachable(Set.copyOf(names));
    }
}
