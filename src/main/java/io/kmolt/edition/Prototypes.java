package io.kmolt.edition;

/** What is known of the prototypes of editions and of the functions that they stand in for. */
@FunctionalInterface
public interface Prototypes {

    /**
     * Compares an edition with its function.
     *
     * @param edition the edition's name in C
     * @param function the kernel function's name
     * @param object the module that the function is in; empty for vmlinux
     */
    Verdict compare(String edition, String function, String object);

    /** Whether an edition may be called in place of its function. */
    sealed interface Verdict {
        /** It may. */
        record Same() implements Verdict {}

        /**
         * It may not.
         *
         * @param how both prototypes, and where they differ
         */
        record Different(String how) implements Verdict {}

        /**
         * That cannot be told.
         *
         * @param why what is missing
         */
        record Unknown(String why) implements Verdict {}
    }

    /**
     * Where nothing is known.
     *
     * @param why what is missing
     */
    static Prototypes unknown(String why) {
        return (edition, function, object) -> new Verdict.Unknown(why);
    }
}
