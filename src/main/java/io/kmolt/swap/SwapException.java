package io.kmolt.swap;

import io.kmolt.diff.Refusal;
import java.util.List;
import java.util.Optional;

/** Why a module was not swapped or reverted; nothing has changed in the kernel, unless the kind says so. */
public final class SwapException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What kind of no it is. */
    public enum Kind {
        /** The builds do not fit together, or the change is not safe. */
        REFUSED,
        /** The target or a file cannot be handled. */
        UNFIT,
        /** Somebody is in the way; it may work later. */
        BUSY,
        /** The new build answered, failed its trial, and was reverted. */
        REVERTED,
        /** The new build failed its trial and could not be reverted: it answers still. */
        STANDS
    }

    private final Kind kind;
    private final transient List<Refusal> refusals;
    private final transient List<Blocker> blockers;
    private final transient Optional<Late> late;

    private SwapException(
            Kind kind, String message, List<Refusal> refusals, List<Blocker> blockers, Optional<Late> late) {
        super(message);
        this.kind = kind;
        this.refusals = refusals;
        this.blockers = blockers;
        this.late = late;
    }

    public static SwapException unfit(String message) {
        return new SwapException(Kind.UNFIT, message, List.of(), List.of(), Optional.empty());
    }

    public static SwapException refused(String message, List<Refusal> refusals) {
        return new SwapException(Kind.REFUSED, message, refusals, List.of(), Optional.empty());
    }

    public static SwapException busy(String message, List<Blocker> blockers) {
        return busy(message, blockers, Optional.empty());
    }

    /** Somebody is in the way, or a CPU did not come to rest. */
    public static SwapException busy(String message, List<Blocker> blockers, Optional<Late> late) {
        return new SwapException(Kind.BUSY, message, List.of(), blockers, late);
    }

    /** A trial failed; whether the build was reverted, and what is wrong with it. */
    static SwapException trial(Kind kind, String message, List<Blocker> blockers) {
        return new SwapException(kind, message, List.of(), blockers, Optional.empty());
    }

    public Kind kind() {
        return kind;
    }

    /** Every reason found, where the builds are the problem. */
    public List<Refusal> refusals() {
        return refusals;
    }

    /** Who is in the way, where somebody is. */
    public List<Blocker> blockers() {
        return blockers;
    }

    /** The CPU that did not come to rest, where that is why. */
    public Optional<Late> late() {
        return late;
    }
}
