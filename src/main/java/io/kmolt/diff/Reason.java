package io.kmolt.diff;

/**
 * Why a function counts as changed: the first thing in it that is not the same in both builds.
 *
 * @param kind what sort of thing it is; programs may rely on the names
 * @param oldOffset where it is in the old build's function, in bytes; -1 if it is in no one place
 * @param newOffset where it is in the new build's
 * @param text it, for people
 */
public record Reason(Kind kind, long oldOffset, long newOffset, String text) {

    /** Sorts of differences. */
    public enum Kind {
        /** Another instruction. */
        INSTRUCTION,
        /** The same instruction with another number in it. */
        CONSTANT,
        /** The same call or jump to another function. */
        CALL,
        /** The same instruction that refers to something else. */
        REFERENT,
        /** The same instruction that refers to the same thing, in which something has changed. */
        CONTENTS,
        /** The same instructions, of which tables say something else: on which static key a branch depends, for example. */
        TABLES
    }

    /** It with its place. */
    public String describe() {
        if (newOffset < 0) {
            return text;
        }
        String from = oldOffset == newOffset ? "" : CodeText.place(oldOffset) + " → ";
        return "at %s%s: %s".formatted(from, CodeText.place(newOffset), text);
    }
}
