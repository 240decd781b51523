package io.kmolt.route;

/**
 * A word of a route.
 *
 * @param column where it begins, from 1 on
 * @param text as it was typed; a string without its quotes
 * @param value of a number: its magnitude, in which 2^63 appears negative
 */
record Token(Kind kind, int column, String text, long value) {
    enum Kind {
        NUMBER,
        NAME,
        STRING,
        /** An operator, a parenthesis, a question mark or a colon. */
        SIGN,
        END
    }

    boolean is(String sign) {
        return kind == Kind.SIGN && text.equals(sign);
    }

    /** What to call it in messages. */
    String described() {
        return switch (kind) {
            case END -> "the end";
            case STRING -> "\"" + text + "\"";
            default -> "'" + text + "'";
        };
    }
}
