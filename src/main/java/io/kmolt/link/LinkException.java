package io.kmolt.link;

import io.kmolt.diff.Refusal;
import java.util.List;

/** An update that cannot be linked, and all the reasons that were found. */
public final class LinkException extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient List<Refusal> refusals;

    public LinkException(List<Refusal> refusals) {
        super(refusals.isEmpty() ? "refused" : refusals.getFirst().toString());
        this.refusals = List.copyOf(refusals);
    }

    public List<Refusal> refusals() {
        return refusals;
    }
}
