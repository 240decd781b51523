package io.kmolt.route;

/** A route as it was typed, as a tree. */
sealed interface Syntax {
    /** Where it begins, from 1 on. */
    int column();

    /** A number. */
    record Literal(int column, long value) implements Syntax {}

    /** {@code uid}, {@code arg0}, or what is no name at all. */
    record Name(int column, String name) implements Syntax {}

    /** {@code switch("name")}. */
    record Switch(int column, String name) implements Syntax {}

    /** {@code -}, {@code ~} or {@code !} before something. */
    record Unary(int column, String operator, Syntax operand) implements Syntax {}

    /** Two operands; {@code at} is the operator's column. */
    record Binary(int column, int at, Operator operator, Syntax left, Syntax right) implements Syntax {}

    /** {@code condition ? then : otherwise}. */
    record Conditional(int column, Syntax condition, Syntax then, Syntax otherwise) implements Syntax {}
}
