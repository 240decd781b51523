package io.kmolt.swap;

import java.util.List;
import java.util.Optional;

/**
 * What {@link Doctor} says of a target.
 *
 * @param target its name
 * @param fit whether kmolt can work on it
 * @param checks all that was looked at, in a fixed order
 */
public record Diagnosis(String target, boolean fit, List<Check> checks) {

    static Diagnosis of(String target, List<Check> checks) {
        return new Diagnosis(target, firstUnfit(checks).isEmpty(), List.copyOf(checks));
    }

    /** The first reason why kmolt cannot work there. */
    Optional<Check> firstUnfit() {
        return firstUnfit(checks);
    }

    private static Optional<Check> firstUnfit(List<Check> checks) {
        return checks.stream().filter(c -> c.state() == Check.State.UNFIT).findFirst();
    }
}
