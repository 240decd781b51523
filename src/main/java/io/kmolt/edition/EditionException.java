package io.kmolt.edition;

import io.kmolt.diff.Refusal;
import java.util.List;

/** Editions or routes that cannot be built or linked; nothing has changed in the kernel. */
public final class EditionException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What kind of no it is. */
    public enum Kind {
        /** The editions do not fit the kernel that they are for, or say what makes no sense. */
        REFUSED,
        /** A file cannot be handled, or does not compile. */
        UNFIT
    }

    private final Kind kind;
    private final transient List<Refusal> refusals;

    private EditionException(Kind kind, String message, List<Refusal> refusals) {
        super(message);
        this.kind = kind;
        this.refusals = refusals;
    }

    static EditionException unfit(String message) {
        return new EditionException(Kind.UNFIT, message, List.of());
    }

    /**
     * A refusal.
     *
     * @param subject what is refused
     * @param refusals every reason that was found
     */
    static EditionException refused(String subject, List<Refusal> refusals) {
        String message = "%s is refused, for %s"
                .formatted(subject, refusals.size() == 1 ? "this reason:" : "these " + refusals.size() + " reasons:");
        return new EditionException(Kind.REFUSED, message, List.copyOf(refusals));
    }

    public Kind kind() {
        return kind;
    }

    /** Every reason found, where the editions are the problem. */
    public List<Refusal> refusals() {
        return refusals;
    }
}
