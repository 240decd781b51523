package io.kmolt.edition;

import io.kmolt.btf.Prototype;
import java.util.List;
import java.util.Optional;

/** What is known of the prototypes of editions and of the functions that they stand in for. */
public interface Prototypes {

    /**
     * Compares an edition with its function.
     *
     * @param edition the edition's name in C
     * @param function the kernel function's name
     * @param object the module that the function is in; empty for vmlinux
     */
    Verdict compare(String edition, String function, String object);

    /**
     * The parameters of a kernel function that travel in registers of their own: all of them up to the first that is a
     * structure, a floating-point number or wider than a register. Empty if they are not known.
     *
     * @param object the module that the function is in; empty for vmlinux
     */
    Optional<List<Parameter>> parameters(String function, String object);

    /**
     * The prototype of a kernel function; empty if it is not known.
     *
     * @param object the module that the function is in; empty for vmlinux
     */
    Optional<Prototype> prototype(String function, String object);

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
        return new Prototypes() {
            @Override
            public Verdict compare(String edition, String function, String object) {
                return new Verdict.Unknown(why);
            }

            @Override
            public Optional<List<Parameter>> parameters(String function, String object) {
                return Optional.empty();
            }

            @Override
            public Optional<Prototype> prototype(String function, String object) {
                return Optional.empty();
            }
        };
    }
}
