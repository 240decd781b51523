package io.kmolt.route;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Makes a tree of a route's words: operators bind as in C. */
final class Parser {
    /** Deeper ones would be refused by nobody's reading, but by the stack of this program. */
    private static final int MAX_DEPTH = 64;

    private static final Pattern SWITCH_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,31}");

    private final String text;
    private final List<Token> tokens;
    private int at;
    private int depth;

    private Parser(String text, List<Token> tokens) {
        this.text = text;
        this.tokens = tokens;
    }

    static Syntax parse(String text) throws RouteException {
        Parser parser = new Parser(text, Lexer.tokens(text));
        if (parser.peek().kind() == Token.Kind.END) {
            throw parser.wrong("the route is empty; 0 stands for the original");
        }
        Syntax syntax = parser.conditional();
        if (parser.peek().kind() != Token.Kind.END) {
            throw parser.wrong(parser.surplus());
        }
        return syntax;
    }

    private Syntax conditional() throws RouteException {
        enter();
        Syntax condition = binary(1);
        if (peek().is("?")) {
            at++;
            Syntax then = conditional();
            expect(":", "which says what is chosen otherwise");
            Syntax otherwise = conditional();
            condition = new Syntax.Conditional(condition.column(), condition, then, otherwise);
        }
        depth--;
        return condition;
    }

    /** Operators that bind at least as tightly as {@code least}; all of them group from left to right. */
    private Syntax binary(int least) throws RouteException {
        Syntax left = unary();
        while (true) {
            Token token = peek();
            Optional<Operator> operator =
                    token.kind() == Token.Kind.SIGN ? Operator.of(token.text()) : Optional.empty();
            if (operator.isEmpty() || operator.get().precedence() < least) {
                return left;
            }
            at++;
            Syntax right = binary(operator.get().precedence() + 1);
            left = new Syntax.Binary(left.column(), token.column(), operator.get(), left, right);
        }
    }

    private Syntax unary() throws RouteException {
        Token token = peek();
        if (!token.is("-") && !token.is("~") && !token.is("!")) {
            return primary();
        }
        enter();
        at++;
        Token operand = peek();
        Syntax result;
        if (token.is("-") && isLeast(operand)) {
            at++;
            result = new Syntax.Literal(token.column(), Long.MIN_VALUE);
        } else {
            result = new Syntax.Unary(token.column(), token.text(), unary());
        }
        depth--;
        return result;
    }

    private Syntax primary() throws RouteException {
        Token token = peek();
        switch (token.kind()) {
            case NUMBER -> {
                if (isLeast(token)) {
                    throw wrong("'" + token.text() + "' does not fit into 64 bits with a sign");
                }
                at++;
                return new Syntax.Literal(token.column(), token.value());
            }
            case NAME -> {
                at++;
                return token.text().equals("switch")
                        ? switchWord(token.column())
                        : new Syntax.Name(token.column(), token.text());
            }
            case SIGN -> {
                if (token.is("(")) {
                    at++;
                    Syntax inner = conditional();
                    expect(")", "which closes the parenthesis of column " + token.column());
                    return inner;
                }
            }
            case STRING, END -> {}
        }
        throw wrong("a number or a name is missing before " + token.described());
    }

    /** Decimal 2^63, which only its negative fits into 64 bits with a sign. */
    private static boolean isLeast(Token token) {
        return token.kind() == Token.Kind.NUMBER
                && token.value() == Long.MIN_VALUE
                && !token.text().startsWith("0");
    }

    private Syntax switchWord(int column) throws RouteException {
        expect("(", "as in switch(\"name\")");
        Token name = peek();
        if (name.kind() != Token.Kind.STRING) {
            throw wrong("the name of a switch stands in double quotes, as in switch(\"name\")");
        }
        if (!SWITCH_NAME.matcher(name.text()).matches()) {
            throw wrong("the name of a switch is 1 to 31 letters, digits, '_', '-' and '.'");
        }
        at++;
        expect(")", "as in switch(\"name\")");
        return new Syntax.Switch(column, name.text());
    }

    private String surplus() {
        Token token = peek();
        if (token.is(")")) {
            return "this ')' closes nothing";
        }
        if (token.is(":")) {
            return "this ':' belongs to no '?'";
        }
        String hint = switch (token.text()) {
            case "and" -> "; did you mean '&&'?";
            case "or" -> "; did you mean '||'?";
            case "is" -> "; did you mean '=='?";
            default -> "";
        };
        return "an operator is missing before " + token.described() + hint;
    }

    private void expect(String sign, String why) throws RouteException {
        Token token = peek();
        if (!token.is(sign)) {
            throw wrong("'%s' is missing before %s, %s".formatted(sign, token.described(), why));
        }
        at++;
    }

    private void enter() throws RouteException {
        if (++depth > MAX_DEPTH) {
            throw wrong("this is nested more than " + MAX_DEPTH + " deep");
        }
    }

    private Token peek() {
        return tokens.get(at);
    }

    private RouteException wrong(String problem) {
        return new RouteException(text, peek().column(), problem);
    }
}
