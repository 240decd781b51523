package io.kmolt.diff;

/**
 * A reason not to swap, or not to let an edition in.
 *
 * @param kind which rule says no
 * @param subject the symbol, type or section that it is about
 * @param reason what is wrong with it, as the rest of a sentence that begins with the subject
 */
public record Refusal(Kind kind, String subject, String reason) {

    /** The rules; programs may rely on the names. */
    public enum Kind {
        /** The builds are not of one module. */
        OTHER_MODULE,
        /** An imported symbol has another CRC. */
        SYMBOL_VERSION,
        /** A type that the module owns has another layout. */
        TYPE_LAYOUT,
        /** A variable or table has another size. */
        RESIZED,
        /** A variable cannot be matched with certainty. */
        UNMATCHED,
        /** A variable begins with another value, which a swap does not bring in. */
        INITIAL_VALUE,
        /** Code that runs once at load has changed; a swap does not run it. */
        INIT,
        /** Code that runs once at unload has changed; it would find what another build has set up. */
        EXIT,
        /** An exported symbol is gone or has another CRC. */
        EXPORT,
        /** A trace event has changed; the kernel has registered the old one. */
        TRACE_EVENT,
        /** Pointers to a function may be stored anywhere, and calls through them cannot be caught. */
        STALE_POINTER,
        /** A section is of another kind, or has code that no symbol names and that is not the same. */
        SECTION,
        /** It is not certain what a reference means. */
        DOUBTFUL_REFERENCE,
        /** A function would be called through a pointer, and has no landing pad for indirect branches (IBT). */
        INDIRECT_CALL,
        /** Somebody has attached himself to a function, and would be cut off. */
        ATTACHED,
        /** What a file with editions, or a build with hooks, declares makes no sense. */
        DECLARATION,
        /** A file with editions, or the core, was built for another kernel; or a build brings what fits that one only. */
        OTHER_KERNEL,
        /** The kernel has nothing of that name. */
        NO_SYMBOL,
        /** The kernel has several of that name. */
        AMBIGUOUS_SYMBOL,
        /** What has that name is of another sort than wanted. */
        WRONG_SYMBOL,
        /** The kernel does not tell addresses. */
        HIDDEN_ADDRESS,
        /** What is referred to could be unloaded. */
        MODULE_LIFETIME,
        /** An edition has another prototype than the function that it is for. */
        PROTOTYPE,
        /** The builds differ, and the types of one of them cannot be found. */
        TYPES_UNKNOWN;

        /** Whether hooks of the new build can take care of it. */
        public boolean isForHooks() {
            return this == INIT || this == EXIT;
        }
    }

    @Override
    public String toString() {
        return subject + ": " + reason;
    }
}
