package io.kmolt.route;

import java.util.Locale;

/** Operations that share a pattern of opcodes; the number is their place in it (Intel SDM volume 2, appendix A). */
enum Alu {
    ADD(0),
    OR(1),
    AND(4),
    SUB(5),
    XOR(6),
    CMP(7);

    private final int number;

    Alu(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    /** The mnemonic. */
    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
