package io.kmolt.diff;

import io.kmolt.btf.LayoutDifference;
import io.kmolt.btf.LineParameter;
import java.util.List;
import java.util.Optional;

/** What is known about the types of two builds. */
public interface Types {

    /** Where the layouts of types that the module owns differ; one line each. */
    List<Refusal> layoutDifferences();

    /** Why a function of the old build must not be replaced by one of the new build for the same callers; empty if it may. */
    Optional<String> prototypeDifference(String function);

    /** Why they were not compared; empty if they were. */
    default Optional<String> unknown() {
        return Optional.empty();
    }

    /** Which parameter of one of the module's functions is a line of its caller's source; empty if none is known to be. */
    default Optional<LineParameter> lineParameter(String function) {
        return Optional.empty();
    }

    /** Every difference, also those that harm nobody. */
    default List<LayoutDifference> differences() {
        return List.of();
    }

    /** Members behind which there is something that types do not tell of, as {@code struct foo: private}. */
    default List<String> unseen() {
        return List.of();
    }

    /**
     * Types that could not be compared.
     *
     * @param why and what helps
     */
    static Types unknown(String why) {
        return new Types() {
            @Override
            public List<Refusal> layoutDifferences() {
                return List.of();
            }

            @Override
            public Optional<String> prototypeDifference(String function) {
                return Optional.of("types are not known");
            }

            @Override
            public Optional<String> unknown() {
                return Optional.of(why);
            }
        };
    }

    /** Types of builds that are byte for byte the same. */
    static Types same() {
        return new Types() {
            @Override
            public List<Refusal> layoutDifferences() {
                return List.of();
            }

            @Override
            public Optional<String> prototypeDifference(String function) {
                return Optional.empty();
            }
        };
    }
}
