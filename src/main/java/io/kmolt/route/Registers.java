package io.kmolt.route;

/**
 * Where an expression is computed.
 *
 * @param to gets the value
 * @param spare a second register, if {@code spareFree}: else it holds what has to stay
 */
record Registers(Register to, Register spare, boolean spareFree) {
    /** The only two that a dispatcher may change. */
    static final Registers BOTH = new Registers(Register.R10, Register.R11, true);

    Registers keepingSpare() {
        return new Registers(to, spare, false);
    }

    /** The other way round: the result is to be in the spare register, and what was to have it is free. */
    Registers exchanged() {
        return new Registers(spare, to, true);
    }
}
