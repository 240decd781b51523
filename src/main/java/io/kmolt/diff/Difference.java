package io.kmolt.diff;

/**
 * Something in which two builds differ that is neither a function nor an object of theirs, and that a swap does not bring
 * in: what is registered, or said of the module, when it is loaded.
 *
 * @param subject the symbol or section that it is about
 * @param what what is different about it, as the rest of a sentence that begins with the subject
 */
public record Difference(String subject, String what) {
    @Override
    public String toString() {
        return subject + ": " + what;
    }
}
