package io.kmolt.route;

/**
 * A place in the code that others have to know: an address of {@code struct kmolt_route}.
 *
 * @param function counts the requests from 0 on
 * @param size how many bytes belong to it, for a symbol
 */
public record Label(int function, Kind kind, int offset, int size) {
    /** The addresses, in the order in which they are in the code. */
    public enum Kind {
        FIRST_SHARED,
        FIRST,
        SHARED,
        ENTRY
    }
}
