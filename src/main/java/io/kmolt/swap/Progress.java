package io.kmolt.swap;

/** Hears what a long operation is about to do. */
@FunctionalInterface
public interface Progress {
    /** Says nothing. */
    Progress NONE = step -> {};

    /** The operation begins a step, described in a few words without a full stop. */
    void step(String what);
}
