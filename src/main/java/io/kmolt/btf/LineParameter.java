package io.kmolt.btf;

import io.kmolt.btf.BtfType.Parameter;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which parameter of a function is a line number of its caller's source.
 *
 * <p>There is no type for it, but a custom: a name (of a function or of a file) as {@code const char *}, and right behind it
 * an integer whose name says line. Where both are there, it is certain; the name alone is a hint, as a device, too, may have a
 * line. What is passed by value in more than a register must not stand before it, as the parameter's register would not follow
 * from its place then.
 *
 * @param place among the parameters, from 0
 * @param certain whether the whole custom is kept
 */
public record LineParameter(int place, boolean certain) {
    private static final Set<String> LINES =
            Set.of("line", "line_no", "lineno", "line_num", "linenum", "linenr", "line_nr", "__line");
    private static final Set<String> NAMES = Set.of(
            "func", "function", "fn", "file", "filename", "file_name", "fname", "where", "caller", "__func", "__file");

    /** That of one of the module's own functions; empty if none is, or if functions of that name do not agree. */
    public static Optional<LineParameter> of(Btf btf, String function) {
        List<Optional<LineParameter>> found = FunctionPrototypes.own(btf, function).stream()
                .map(prototype -> of(btf, prototype.parameters()))
                .distinct()
                .toList();
        return found.size() == 1 ? found.getFirst() : Optional.empty();
    }

    private static Optional<LineParameter> of(Btf btf, List<Parameter> parameters) {
        for (int i = 0; i < parameters.size() && isInOneRegister(btf, parameters.get(i)); i++) {
            if (isLine(btf, parameters.get(i))) {
                return Optional.of(new LineParameter(i, i > 0 && isName(btf, parameters.get(i - 1))));
            }
        }
        return Optional.empty();
    }

    private static boolean isInOneRegister(Btf btf, Parameter parameter) {
        return switch (btf.type(btf.resolved(parameter.type()))) {
            case BtfType.Int number -> number.size() <= Long.BYTES;
            case BtfType.Enumeration _, BtfType.Ptr _ -> true;
            default -> false;
        };
    }

    private static boolean isName(Btf btf, Parameter parameter) {
        return NAMES.contains(parameter.name())
                && btf.type(btf.resolved(parameter.type())) instanceof BtfType.Ptr(int _, int target)
                && btf.type(btf.resolved(target)) instanceof BtfType.Int text
                && text.name().equals("char");
    }

    private static boolean isLine(Btf btf, Parameter parameter) {
        return LINES.contains(parameter.name())
                && btf.type(btf.resolved(parameter.type())) instanceof BtfType.Int number
                && number.size() == Integer.BYTES;
    }
}
