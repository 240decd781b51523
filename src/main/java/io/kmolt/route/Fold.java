package io.kmolt.route;

import io.kmolt.route.Condition.Always;
import io.kmolt.route.Condition.Both;
import io.kmolt.route.Condition.Chosen;
import io.kmolt.route.Condition.Comparison;
import io.kmolt.route.Condition.Either;
import io.kmolt.route.Value.Arithmetic;
import io.kmolt.route.Value.Choice;
import io.kmolt.route.Value.Complement;
import io.kmolt.route.Value.Constant;
import io.kmolt.route.Value.Leaf;
import io.kmolt.route.Value.Negation;

/**
 * Makes the typed tree, and computes beforehand what is known: no operation has constant operands only, and no condition
 * that a branch depends on is decided already.
 */
final class Fold {
    private static final Constant ZERO = new Constant(0);

    private Fold() {}

    static Value negation(Value operand) {
        return switch (operand) {
            case Constant constant -> new Constant(-constant.value());
            case Negation negation -> negation.operand();
            default -> new Negation(operand);
        };
    }

    static Value complement(Value operand) {
        return switch (operand) {
            case Constant constant -> new Constant(~constant.value());
            case Complement complement -> complement.operand();
            default -> new Complement(operand);
        };
    }

    static Value arithmetic(Operator operator, Value left, Value right) {
        if (left instanceof Constant a && right instanceof Constant b) {
            return new Constant(operator.apply(a.value(), b.value()));
        }
        if (left instanceof Constant && operator.isCommutative()) {
            return arithmetic(operator, right, left);
        }
        if (right instanceof Constant constant) {
            long value = operator.isShift() ? constant.value() & 63 : constant.value();
            boolean neutral = switch (operator) {
                case PLUS, MINUS, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT -> value == 0;
                case TIMES -> value == 1;
                default -> value == -1;
            };
            if (neutral) {
                return left;
            }
            if (value == 0 && (operator == Operator.TIMES || operator == Operator.AND)) {
                return ZERO;
            }
            return new Arithmetic(operator, left, new Constant(value));
        }
        return new Arithmetic(operator, left, right);
    }

    static Value choice(Condition condition, Value then, Value otherwise) {
        if (condition instanceof Always always) {
            return always.holds() ? then : otherwise;
        }
        return then.equals(otherwise) ? then : new Choice(condition, then, otherwise);
    }

    static Condition comparison(Operator operator, Value left, Value right) {
        if (left instanceof Constant a) {
            return right instanceof Constant b
                    ? new Always(operator.holds(a.value(), b.value()))
                    : comparison(operator.mirrored(), right, left);
        }
        if (left instanceof Leaf leaf && right instanceof Constant constant) {
            boolean least = operator.holds(leaf.least(), constant.value());
            boolean greatest = operator.holds(leaf.greatest(), constant.value());
            boolean within = constant.value() >= leaf.least() && constant.value() <= leaf.greatest();
            boolean ordered = operator != Operator.EQUAL && operator != Operator.NOT_EQUAL;
            if (least == greatest && (ordered || !within)) {
                return new Always(least);
            }
        }
        return new Comparison(operator, left, right);
    }

    static Condition both(Condition first, Condition second) {
        if (first instanceof Always always) {
            return always.holds() ? second : first;
        }
        if (second instanceof Always always) {
            return always.holds() ? first : second;
        }
        return new Both(first, second);
    }

    static Condition either(Condition first, Condition second) {
        return not(both(not(first), not(second)));
    }

    static Condition chosen(Condition condition, Condition then, Condition otherwise) {
        if (condition instanceof Always always) {
            return always.holds() ? then : otherwise;
        }
        if (then instanceof Always a) {
            return a.holds() ? either(condition, otherwise) : both(not(condition), otherwise);
        }
        if (otherwise instanceof Always b) {
            return b.holds() ? either(not(condition), then) : both(condition, then);
        }
        return then.equals(otherwise) ? then : new Chosen(condition, then, otherwise);
    }

    static Condition not(Condition condition) {
        return switch (condition) {
            case Always always -> new Always(!always.holds());
            case Comparison comparison ->
                new Comparison(comparison.operator().inverse(), comparison.left(), comparison.right());
            case Both both -> new Either(not(both.first()), not(both.second()));
            case Either either -> new Both(not(either.first()), not(either.second()));
            case Chosen chosen -> new Chosen(chosen.condition(), not(chosen.then()), not(chosen.otherwise()));
        };
    }
}
