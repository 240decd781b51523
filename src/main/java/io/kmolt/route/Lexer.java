package io.kmolt.route;

import java.util.ArrayList;
import java.util.List;

/** Takes a route apart into words. */
final class Lexer {
    private static final List<String> SIGNS = List.of(
            "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "<", ">", "&", "|", "^", "~", "!", "+", "-", "*", "(", ")",
            "?", ":");

    private static final int HEX_DIGITS = 16;

    private final String text;
    private int at;

    private Lexer(String text) {
        this.text = text;
    }

    /** The words of the text, and {@link Token.Kind#END}. */
    static List<Token> tokens(String text) throws RouteException {
        return new Lexer(text).all();
    }

    private List<Token> all() throws RouteException {
        List<Token> tokens = new ArrayList<>();
        while (true) {
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
                at++;
            }
            if (at == text.length()) {
                tokens.add(new Token(Token.Kind.END, at + 1, "", 0));
                return tokens;
            }
            tokens.add(next(text.charAt(at)));
        }
    }

    private Token next(char first) throws RouteException {
        int start = at;
        if (isWord(first)) {
            while (at < text.length() && isWord(text.charAt(at))) {
                at++;
            }
            String word = text.substring(start, at);
            return isDigit(first)
                    ? new Token(Token.Kind.NUMBER, start + 1, word, number(word, start + 1))
                    : new Token(Token.Kind.NAME, start + 1, word, 0);
        }
        if (first == '"') {
            int end = text.indexOf('"', start + 1);
            if (end < 0) {
                throw wrong(start, "this string has no end");
            }
            for (int i = start + 1; i < end; i++) { // what messages quote has to be fit to be shown
                if (text.charAt(i) < ' ' || text.charAt(i) > '~') {
                    throw wrong(i, stranger(text.charAt(i)));
                }
            }
            at = end + 1;
            return new Token(Token.Kind.STRING, start + 1, text.substring(start + 1, end), 0);
        }
        for (String sign : SIGNS) {
            if (text.startsWith(sign, start)) {
                at += sign.length();
                return new Token(Token.Kind.SIGN, start + 1, sign, 0);
            }
        }
        throw wrong(start, stranger(first));
    }

    private static String stranger(char c) {
        return switch (c) {
            case '=' -> "'=' is no operator; did you mean '=='?";
            case '/' -> "there is no division in a route; a power of two can be divided by with '>>'";
            case '%' ->
                "there is no '%' in a route; the remainder of a power of two can be had with '&', as in 'cpu & 3'";
            case '\'' -> "a string stands in double quotes";
            case '\n', '\r' -> "a route is one line";
            default ->
                c > ' ' && c <= '~'
                        ? "'" + c + "' has no meaning in a route"
                        : "the character U+%04X has no meaning in a route".formatted((int) c);
        };
    }

    private long number(String word, int column) throws RouteException {
        if (word.startsWith("0x") || word.startsWith("0X")) {
            String digits = word.substring(2);
            if (digits.isEmpty() || !digits.chars().allMatch(c -> isDigit((char) c) || isHexLetter((char) c))) {
                throw new RouteException(text, column, "'" + word + "' is no hexadecimal number");
            }
            if (digits.replaceFirst("^0+", "").length() > HEX_DIGITS) {
                throw new RouteException(text, column, "'" + word + "' does not fit into 64 bits");
            }
            return Long.parseUnsignedLong(digits, 16);
        }
        if (!word.chars().allMatch(c -> isDigit((char) c))) {
            throw new RouteException(text, column, "'" + word + "' is no number");
        }
        if (word.length() > 1 && word.startsWith("0")) {
            throw new RouteException(
                    text, column, "'" + word + "' would be octal in C; write it without the leading 0, or with 0x");
        }
        try {
            long value = Long.parseUnsignedLong(word);
            if (value >= 0 || value == Long.MIN_VALUE) {
                return value;
            }
        } catch (NumberFormatException _) {
            // of more than 64 bits: refused like one that is a little too great
        }
        throw new RouteException(text, column, "'" + word + "' does not fit into 64 bits with a sign");
    }

    private RouteException wrong(int offset, String problem) {
        return new RouteException(text, offset + 1, problem);
    }

    private static boolean isWord(char c) {
        return isDigit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isHexLetter(char c) {
        return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }
}
