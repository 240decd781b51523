package io.kmolt.route;

import java.util.Optional;

/** The operators with two operands, as C has them. */
enum Operator {
    TIMES("*", 10, Kind.ARITHMETIC),
    PLUS("+", 9, Kind.ARITHMETIC),
    MINUS("-", 9, Kind.ARITHMETIC),
    SHIFT_LEFT("<<", 8, Kind.ARITHMETIC),
    SHIFT_RIGHT(">>", 8, Kind.ARITHMETIC),
    LESS("<", 7, Kind.COMPARISON),
    LESS_EQUAL("<=", 7, Kind.COMPARISON),
    GREATER(">", 7, Kind.COMPARISON),
    GREATER_EQUAL(">=", 7, Kind.COMPARISON),
    EQUAL("==", 6, Kind.COMPARISON),
    NOT_EQUAL("!=", 6, Kind.COMPARISON),
    AND("&", 5, Kind.ARITHMETIC),
    XOR("^", 4, Kind.ARITHMETIC),
    OR("|", 3, Kind.ARITHMETIC),
    BOTH("&&", 2, Kind.LOGIC),
    EITHER("||", 1, Kind.LOGIC);

    /** What an operator takes and makes. */
    enum Kind {
        /** A number of two numbers. */
        ARITHMETIC,
        /** A condition of two numbers. */
        COMPARISON,
        /** A condition of two conditions. */
        LOGIC
    }

    private final String text;
    private final int precedence;
    private final Kind kind;

    Operator(String text, int precedence, Kind kind) {
        this.text = text;
        this.precedence = precedence;
        this.kind = kind;
    }

    String text() {
        return text;
    }

    /** Higher ones bind tighter. */
    int precedence() {
        return precedence;
    }

    Kind kind() {
        return kind;
    }

    static Optional<Operator> of(String text) {
        for (Operator operator : values()) {
            if (operator.text.equals(text)) {
                return Optional.of(operator);
            }
        }
        return Optional.empty();
    }

    boolean isShift() {
        return this == SHIFT_LEFT || this == SHIFT_RIGHT;
    }

    boolean isCommutative() {
        return this == TIMES || this == PLUS || this == AND || this == XOR || this == OR;
    }

    /** For arithmetic: what it makes of two numbers. */
    long apply(long left, long right) {
        return switch (this) {
            case TIMES -> left * right;
            case PLUS -> left + right;
            case MINUS -> left - right;
            case SHIFT_LEFT -> left << right;
            case SHIFT_RIGHT -> left >> right;
            case AND -> left & right;
            case XOR -> left ^ right;
            case OR -> left | right;
            default -> throw new IllegalArgumentException(name());
        };
    }

    /** For comparisons: whether they hold. */
    boolean holds(long left, long right) {
        return switch (this) {
            case LESS -> left < right;
            case LESS_EQUAL -> left <= right;
            case GREATER -> left > right;
            case GREATER_EQUAL -> left >= right;
            case EQUAL -> left == right;
            case NOT_EQUAL -> left != right;
            default -> throw new IllegalArgumentException(name());
        };
    }

    /** For comparisons: the one that holds where this does not. */
    Operator inverse() {
        return switch (this) {
            case LESS -> GREATER_EQUAL;
            case LESS_EQUAL -> GREATER;
            case GREATER -> LESS_EQUAL;
            case GREATER_EQUAL -> LESS;
            case EQUAL -> NOT_EQUAL;
            case NOT_EQUAL -> EQUAL;
            default -> throw new IllegalArgumentException(name());
        };
    }

    /** For comparisons: the one that says the same with its operands exchanged. */
    Operator mirrored() {
        return switch (this) {
            case LESS -> GREATER;
            case LESS_EQUAL -> GREATER_EQUAL;
            case GREATER -> LESS;
            case GREATER_EQUAL -> LESS_EQUAL;
            case EQUAL, NOT_EQUAL -> this;
            default -> throw new IllegalArgumentException(name());
        };
    }
}
