package io.kmolt.route;

/** What dispatchers refer to outside of their own code. */
public sealed interface CodeTarget {
    /** An edition's first instruction; {@code function} counts the requests from 0 on. */
    record Edition(int function, int number) implements CodeTarget {}

    /** The dispatcher that was in force before: its {@code entry}. */
    record Old(int function) implements CodeTarget {}

    /** The kernel's {@code __x86_return_thunk}. */
    record ReturnThunk() implements CodeTarget {}

    /** A switch: a 64-bit word. */
    record SwitchWord(String name) implements CodeTarget {}

    /** The 32-bit word that says whether these routes are in force. */
    record Go() implements CodeTarget {}

    /** The function's marker: its address counts, not what it holds. */
    record Marker(int function) implements CodeTarget {}

    /** Whether it is code that is jumped to (R_X86_64_PLT32), and not data (R_X86_64_PC32). */
    default boolean isCode() {
        return this instanceof Edition || this instanceof Old || this instanceof ReturnThunk;
    }
}
