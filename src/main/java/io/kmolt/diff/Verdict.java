package io.kmolt.diff;

import java.util.List;

/** Whether a new build may take over from the old one while that is in use; programs may rely on the names. */
public enum Verdict {
    /** It may. */
    SWAPPABLE,
    /** It may once it declares hooks: nothing but what runs at load or unload stands in the way. */
    NEEDS_HOOK,
    /** It may not. */
    NOT_SWAPPABLE;

    /** What the reasons against a swap amount to. */
    public static Verdict of(List<Refusal> reasons) {
        if (reasons.isEmpty()) {
            return SWAPPABLE;
        }
        return reasons.stream().allMatch(r -> r.kind().isForHooks()) ? NEEDS_HOOK : NOT_SWAPPABLE;
    }
}
