package io.kmolt.edition;

/**
 * A parameter of a function, as it lies in its register.
 *
 * @param bits its width; what the register holds above it is undefined (System V psABI, section 3.2.3)
 * @param signed whether its highest bit is a sign; pointers have none
 */
public record Parameter(int bits, boolean signed) {}
