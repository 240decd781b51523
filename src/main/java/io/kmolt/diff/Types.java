package io.kmolt.diff;

import java.util.List;
import java.util.Optional;

/** What is known about the types of two builds. */
public interface Types {

    /** Where the layouts of types that the module owns differ; one line each. */
    List<Refusal> layoutDifferences();

    /** Why a function of the old build must not be replaced by one of the new build for the same callers; empty if it may. */
    Optional<String> prototypeDifference(String function);

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
