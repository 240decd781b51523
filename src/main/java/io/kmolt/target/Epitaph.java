package io.kmolt.target;

/**
 * What is known about the end of a connection.
 *
 * @param text for the message; may be empty
 * @param crashed whether the target itself has ended, not just the way to it
 */
public record Epitaph(String text, boolean crashed) {
    /** Nothing is known. */
    public static final Epitaph NONE = new Epitaph("", false);
}
