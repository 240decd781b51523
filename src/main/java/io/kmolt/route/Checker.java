package io.kmolt.route;

import io.kmolt.route.Value.Argument;
import io.kmolt.route.Value.Constant;
import io.kmolt.route.Value.Quantity;
import io.kmolt.route.Value.SwitchWord;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Gives names their meaning, keeps numbers and conditions apart, and makes sure that the editions exist. */
final class Checker {
    private static final Pattern ARGUMENT = Pattern.compile("arg([0-9]{1,9})");

    private final String text;
    private final RouteContext context;

    private Checker(String text, RouteContext context) {
        this.text = text;
        this.context = context;
    }

    static Value check(String text, Syntax syntax, RouteContext context) throws RouteException {
        return new Checker(text, context).result(syntax);
    }

    /** A whole route, or what it chooses between: constants are numbers of editions. */
    private Value result(Syntax syntax) throws RouteException {
        if (syntax instanceof Syntax.Conditional choice) {
            return Fold.choice(condition(choice.condition()), result(choice.then()), result(choice.otherwise()));
        }
        return switch (term(syntax)) {
            case Condition _ ->
                throw wrong(
                        syntax.column(),
                        "this is a condition, and a route makes the number of an edition; append '? 1 : 0'");
            case Constant constant -> edition(constant, syntax.column());
            case Value value -> value;
        };
    }

    private Value edition(Constant constant, int column) throws RouteException {
        long number = constant.value();
        if (number == 0 || context.editions().stream().anyMatch(e -> e == number)) {
            return constant;
        }
        String others = context.editions().isEmpty()
                ? "it has none"
                : (context.editions().size() == 1 ? "there is " : "there are ")
                        + enumerated(
                                context.editions().stream().map(String::valueOf).toList());
        throw wrong(column, "there is no edition %d of %s; %s".formatted(number, context.function(), others));
    }

    private Term term(Syntax syntax) throws RouteException {
        return switch (syntax) {
            case Syntax.Literal number -> new Constant(number.value());
            case Syntax.Name name -> named(name);
            case Syntax.Switch word -> new SwitchWord(word.name());
            case Syntax.Unary unary -> unary(unary);
            case Syntax.Binary binary -> binary(binary);
            case Syntax.Conditional choice -> choice(choice);
        };
    }

    private Term unary(Syntax.Unary unary) throws RouteException {
        Term operand = term(unary.operand());
        return switch (operand) {
            case Condition condition -> {
                if (!unary.operator().equals("!")) {
                    throw wrong(
                            unary.operand().column(),
                            "'" + unary.operator() + "' takes a number, and this is a condition");
                }
                yield Fold.not(condition);
            }
            case Value value ->
                switch (unary.operator()) {
                    case "-" -> Fold.negation(value);
                    case "~" -> Fold.complement(value);
                    default -> Fold.comparison(Operator.EQUAL, value, new Constant(0));
                };
        };
    }

    private Term binary(Syntax.Binary binary) throws RouteException {
        Operator operator = binary.operator();
        if (operator.kind() == Operator.Kind.LOGIC) {
            Condition left = condition(binary.left());
            Condition right = condition(binary.right());
            return operator == Operator.BOTH ? Fold.both(left, right) : Fold.either(left, right);
        }
        Value left = number(binary, binary.left());
        Value right = number(binary, binary.right());
        if (operator.isShift() && right instanceof Constant count && (count.value() < 0 || count.value() > 63)) {
            throw wrong(
                    binary.right().column(),
                    "'%s' by %d; a number has 64 bits".formatted(operator.text(), count.value()));
        }
        return operator.kind() == Operator.Kind.ARITHMETIC
                ? Fold.arithmetic(operator, left, right)
                : Fold.comparison(operator, left, right);
    }

    private Term choice(Syntax.Conditional choice) throws RouteException {
        Condition condition = condition(choice.condition());
        Term then = term(choice.then());
        Term otherwise = term(choice.otherwise());
        if (then instanceof Value a && otherwise instanceof Value b) {
            return Fold.choice(condition, a, b);
        }
        if (then instanceof Condition a && otherwise instanceof Condition b) {
            return Fold.chosen(condition, a, b);
        }
        throw wrong(
                choice.otherwise().column(),
                "before the ':' stands a %s, and this is a %s"
                        .formatted(
                                then instanceof Value ? "number" : "condition",
                                otherwise instanceof Value ? "number" : "condition"));
    }

    private Value number(Syntax.Binary around, Syntax syntax) throws RouteException {
        if (term(syntax) instanceof Value value) {
            return value;
        }
        String sign = around.operator().text();
        String hint = "";
        if (syntax instanceof Syntax.Binary inner && inner.operator().kind() == Operator.Kind.COMPARISON) {
            if (around.operator().kind() == Operator.Kind.COMPARISON) {
                hint = "; comparisons are joined with '&&'";
            } else if (inner.operator().precedence() > around.operator().precedence()) {
                hint = "; '%s' binds tighter than '%s', as in C"
                        .formatted(inner.operator().text(), sign);
            }
        }
        throw wrong(syntax.column(), "'" + sign + "' takes numbers, and this is a condition" + hint);
    }

    /** A number is a condition as in C: whether it is not 0. */
    private Condition condition(Syntax syntax) throws RouteException {
        return switch (term(syntax)) {
            case Condition condition -> condition;
            case Value value -> Fold.comparison(Operator.NOT_EQUAL, value, new Constant(0));
        };
    }

    private Value named(Syntax.Name name) throws RouteException {
        for (Quantity quantity : Quantity.values()) {
            if (quantity.text().equals(name.name())) {
                return quantity;
            }
        }
        Matcher argument = ARGUMENT.matcher(name.name());
        if (argument.matches()) {
            return argument(name, Integer.parseInt(argument.group(1)));
        }
        throw wrong(name.column(), "there is no '%s'; %s".formatted(name.name(), suggestion(name.name())));
    }

    private Value argument(Syntax.Name name, int index) throws RouteException {
        List<ArgumentType> arguments = context.arguments();
        if (index < arguments.size() && name.name().equals("arg" + index)) {
            return new Argument(index, arguments.get(index));
        }
        String has = switch (arguments.size()) {
            case 0 -> "none of its arguments can be used";
            case 1 -> "there is arg0";
            default -> "there are arg0 to arg" + (arguments.size() - 1);
        };
        throw wrong(name.column(), "there is no %s of %s; %s".formatted(name.name(), context.function(), has));
    }

    private static String suggestion(String unknown) {
        for (String known : Quantity.names()) {
            if (Spelling.near(unknown, known)) {
                return "did you mean '" + known + "'?";
            }
        }
        return "there are " + String.join(", ", Quantity.names()) + ", arg0 to arg5 and switch(\"name\")";
    }

    private static String enumerated(List<String> words) {
        if (words.size() == 1) {
            return words.getFirst();
        }
        return words.stream().limit(words.size() - 1L).collect(Collectors.joining(", ")) + " and " + words.getLast();
    }

    private RouteException wrong(int column, String problem) {
        return new RouteException(text, column, problem);
    }
}
