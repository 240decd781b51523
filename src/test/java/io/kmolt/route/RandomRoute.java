package io.kmolt.route;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToLongFunction;

/**
 * Random expressions, each as text and as what it means, in which the code under test has no part. Parentheses are written
 * only where C needs them, and sometimes where it does not.
 */
final class RandomRoute {
    /** What leaves mean. */
    record Facts(Map<String, Long> values) {
        long of(String leaf) {
            Long value = values.get(leaf);
            if (value == null) {
                throw new IllegalArgumentException(leaf);
            }
            return value;
        }
    }

    /** {@code precedence}: as C has it; 0 for ?:, 11 for unary operators, 12 for what needs no parentheses. */
    record Expression(String text, int precedence, ToLongFunction<Facts> meaning) {
        long value(Facts facts) {
            return meaning.applyAsLong(facts);
        }
    }

    private static final List<String> ARITHMETIC = List.of("*", "+", "-", "<<", ">>", "&", "^", "|");
    private static final List<String> COMPARISONS = List.of("<", "<=", ">", ">=", "==", "!=");
    private static final long[] NUMBERS = {
        0,
        1,
        2,
        3,
        7,
        8,
        63,
        100,
        127,
        128,
        255,
        256,
        1000,
        32767,
        32768,
        65535,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        0x100000000L,
        Long.MAX_VALUE
    };

    private final Random random;
    private final List<String> leaves;

    RandomRoute(Random random, List<String> leaves) {
        this.random = random;
        this.leaves = leaves;
    }

    Expression number(int size) {
        if (size <= 1) {
            return random.nextInt(3) == 0 ? constant() : leaf();
        }
        int part = 1 + random.nextInt(size - 1);
        return switch (random.nextInt(8)) {
            case 0 -> negated(number(size - 1));
            case 1 -> complemented(number(size - 1));
            case 2 -> choice(condition(1 + size / 3), number(1 + size / 3), number(1 + size / 3));
            default -> arithmetic(number(part), number(size - part));
        };
    }

    /** A condition: 1 or 0. */
    Expression condition(int size) {
        int part = 1 + random.nextInt(Math.max(1, size - 1));
        return switch (size <= 2 ? 0 : random.nextInt(7)) {
            case 1 -> not(condition(size - 1));
            case 2, 3 -> joined("&&", 2, condition(part), condition(size - part));
            case 4, 5 -> joined("||", 1, condition(part), condition(size - part));
            case 6 -> choice(condition(1 + size / 3), condition(1 + size / 3), condition(1 + size / 3));
            default -> comparison(number(part), number(Math.max(1, size - part)));
        };
    }

    private Expression leaf() {
        String name = leaves.get(random.nextInt(leaves.size()));
        return new Expression(name, 12, facts -> facts.of(name));
    }

    private Expression constant() {
        long value =
                random.nextInt(4) == 0 ? random.nextLong() & Long.MAX_VALUE : NUMBERS[random.nextInt(NUMBERS.length)];
        String text = random.nextBoolean() ? Long.toString(value) : "0x" + Long.toHexString(value);
        return new Expression(text, 12, _ -> value);
    }

    private Expression negated(Expression operand) {
        return new Expression("-" + within(operand, 11), 11, facts -> -operand.value(facts));
    }

    private Expression complemented(Expression operand) {
        return new Expression("~" + within(operand, 11), 11, facts -> ~operand.value(facts));
    }

    private Expression not(Expression operand) {
        return new Expression("!" + within(operand, 11), 11, facts -> 1 - operand.value(facts));
    }

    private Expression arithmetic(Expression left, Expression right) {
        String operator = ARITHMETIC.get(random.nextInt(ARITHMETIC.size()));
        Expression second = right;
        if (operator.equals("<<") || operator.equals(">>")) {
            if (right.text().matches("[0-9].*|[-~(].*")) {
                int count = random.nextInt(64); // constant counts beyond 63 are refused
                second = new Expression("" + count, 12, _ -> count);
            }
        }
        Expression other = second;
        return infix(operator, precedence(operator), left, other, facts -> {
            long a = left.value(facts);
            long b = other.value(facts);
            return switch (operator) {
                case "*" -> a * b;
                case "+" -> a + b;
                case "-" -> a - b;
                case "<<" -> a << b;
                case ">>" -> a >> b;
                case "&" -> a & b;
                case "^" -> a ^ b;
                default -> a | b;
            };
        });
    }

    private Expression comparison(Expression left, Expression right) {
        String operator = COMPARISONS.get(random.nextInt(COMPARISONS.size()));
        return infix(operator, precedence(operator), left, right, facts -> {
            int order = Long.compare(left.value(facts), right.value(facts));
            return switch (operator) {
                        case "<" -> order < 0;
                        case "<=" -> order <= 0;
                        case ">" -> order > 0;
                        case ">=" -> order >= 0;
                        case "==" -> order == 0;
                        default -> order != 0;
                    }
                    ? 1
                    : 0;
        });
    }

    private Expression joined(String operator, int precedence, Expression left, Expression right) {
        return infix(
                operator,
                precedence,
                left,
                right,
                operator.equals("&&")
                        ? facts -> left.value(facts) & right.value(facts)
                        : facts -> left.value(facts) | right.value(facts));
    }

    private Expression choice(Expression condition, Expression then, Expression otherwise) {
        String text = within(condition, 1) + space() + "?" + space() + within(then, 0) + space() + ":" + space()
                + within(otherwise, 0);
        return new Expression(
                text, 0, facts -> condition.value(facts) != 0 ? then.value(facts) : otherwise.value(facts));
    }

    private Expression infix(
            String operator, int precedence, Expression left, Expression right, ToLongFunction<Facts> meaning) {
        String space = space();
        String text = within(left, precedence) + space + operator + space + within(right, precedence + 1);
        return new Expression(text, precedence, meaning);
    }

    private String space() {
        return random.nextBoolean() ? " " : "";
    }

    private String within(Expression expression, int least) {
        boolean needed = expression.precedence() < least;
        return needed || random.nextInt(10) == 0 ? "(" + expression.text() + ")" : expression.text();
    }

    private static int precedence(String operator) {
        return switch (operator) {
            case "*" -> 10;
            case "+", "-" -> 9;
            case "<<", ">>" -> 8;
            case "<", "<=", ">", ">=" -> 7;
            case "==", "!=" -> 6;
            case "&" -> 5;
            case "^" -> 4;
            default -> 3;
        };
    }
}
