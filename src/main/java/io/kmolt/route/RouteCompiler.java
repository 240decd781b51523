package io.kmolt.route;

/** Understands routes. */
public final class RouteCompiler {
    /** {@code KMOLT_ROUTE_LEN} of {@code kernel/kmolt_abi.h}, without the zero byte at the end. */
    public static final int MAX_LENGTH = 255;

    private RouteCompiler() {}

    /**
     * Reads a route.
     *
     * @param text as it was typed, in the language that this package's description shows
     * @throws RouteException if it is none for that function
     */
    public static Route compile(String text, RouteContext context) throws RouteException {
        if (text.length() > MAX_LENGTH) {
            throw new RouteException(
                    text,
                    MAX_LENGTH + 1,
                    "a route has at most %d characters, and this one %d".formatted(MAX_LENGTH, text.length()));
        }
        return new Route(text, context, Checker.check(text, Parser.parse(text), context));
    }
}
