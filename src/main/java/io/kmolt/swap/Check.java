package io.kmolt.swap;

/**
 * One thing that {@link Doctor} looked at.
 *
 * @param name what it is about, in a few words; programs may rely on it
 * @param state whether kmolt can work with it
 * @param found what is there
 * @param advice what to do; empty where nothing is to be done
 */
public record Check(String name, State state, String found, String advice) {

    /** Whether kmolt can work. */
    public enum State {
        OK,
        /** It can, but somebody should look at this. */
        WARNING,
        /** It cannot. */
        UNFIT
    }

    static Check ok(String name, String found) {
        return new Check(name, State.OK, found, "");
    }

    static Check warning(String name, String found, String advice) {
        return new Check(name, State.WARNING, found, advice);
    }

    static Check unfit(String name, String found, String advice) {
        return new Check(name, State.UNFIT, found, advice);
    }
}
