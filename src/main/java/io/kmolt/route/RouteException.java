package io.kmolt.route;

/** A route that cannot be compiled: what is wrong with it, and in which column. */
public final class RouteException extends Exception {
    private static final long serialVersionUID = 1L;

    /** More of a text would only push its caret off the screen. */
    private static final int MAX_SHOWN = 300;

    private final String text;
    private final int column;
    private final String problem;

    RouteException(String text, int column, String problem) {
        super("column " + column + ": " + problem);
        this.text = text;
        this.column = column;
        this.problem = problem;
    }

    /** The route as it was typed. */
    public String text() {
        return text;
    }

    /** Where the problem is, from 1 on; one more than the length of the text where something is missing at its end. */
    public int column() {
        return column;
    }

    /** What is wrong, without the column. */
    public String problem() {
        return problem;
    }

    /** Two lines: the text, and a caret under the column with the message. What does not print appears as {@code ?}. */
    public String rendered() {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), MAX_SHOWN); i++) {
            line.append(printable(text.charAt(i)));
        }
        return line + "\n" + " ".repeat(column - 1) + "^ " + getMessage();
    }

    /** One column for one character; a tab would move the caret. */
    private static char printable(char c) {
        if (c == '\t') {
            return ' ';
        }
        return c >= ' ' && c <= '~' ? c : '?';
    }
}
