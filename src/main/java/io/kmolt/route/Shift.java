package io.kmolt.route;

import java.util.Locale;

/** Shifts, with the number in their ModRM byte. */
enum Shift {
    SHL(4),
    SAR(7);

    private final int number;

    Shift(int number) {
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
