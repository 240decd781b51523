package io.kmolt.route;

/** What holds or does not. There is no negation: {@link Fold#not} moves it down to the comparisons. */
sealed interface Condition extends Term {
    /** What is known already. */
    record Always(boolean holds) implements Condition {}

    /** An operator of {@link Operator.Kind#COMPARISON}. A constant stands right. */
    record Comparison(Operator operator, Value left, Value right) implements Condition {}

    /** Both hold; the second is looked at only if the first holds. */
    record Both(Condition first, Condition second) implements Condition {}

    /** One of them holds; the second is looked at only if the first does not hold. */
    record Either(Condition first, Condition second) implements Condition {}

    /** One of two conditions. */
    record Chosen(Condition condition, Condition then, Condition otherwise) implements Condition {}
}
