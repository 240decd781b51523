package io.kmolt.btf;

/**
 * How much work a comparison may do. Type graphs from a compiler stay far below it; one that was made to multiply does
 * not, and then the comparison ends instead of going on for hours.
 */
final class Budget {
    private long left;

    Budget(long steps) {
        this.left = steps;
    }

    void spend(long steps) {
        left -= steps;
        if (left < 0) {
            throw new Spent();
        }
    }

    /** Ends a comparison from within; caught where it began. */
    static final class Spent extends RuntimeException {
        Spent() {
            super("too many types and members to compare", null, false, false);
        }
    }
}
