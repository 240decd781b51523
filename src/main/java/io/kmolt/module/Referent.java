package io.kmolt.module;

/** What a reference in code or data refers to. */
public sealed interface Referent {

    /**
     * A place in, or just outside, a named piece of the module.
     *
     * @param item the piece
     * @param delta distance from its beginning in bytes, negative or beyond its size where the code computes from there
     */
    record InItem(Item item, long delta) implements Referent {}

    /**
     * A symbol of the kernel or of another module.
     *
     * @param name its name
     */
    record Import(String name) implements Referent {}

    /**
     * A string literal.
     *
     * @param section index of the section that it is in
     * @param offset where it begins there
     * @param text its bytes up to the NUL, as ISO 8859-1
     */
    record Literal(int section, long offset, String text) implements Referent {}

    /**
     * A place that no symbol names.
     *
     * @param section index of the section
     * @param offset where
     * @param kind what the section is for
     */
    record Anonymous(int section, long offset, SectionKind kind) implements Referent {}

    /**
     * A fixed address or number.
     *
     * @param value it
     */
    record Absolute(long value) implements Referent {}
}
