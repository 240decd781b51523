package io.kmolt.btf;

import io.kmolt.btf.BtfType.Parameter;
import java.util.List;

/**
 * A function's prototype.
 *
 * @param types where {@code result} and the types of the parameters are to be looked up
 */
public record Prototype(Btf types, String function, int result, List<Parameter> parameters, boolean variadic) {

    static Prototype of(Btf types, BtfType.Func function) {
        if (types.type(function.proto()) instanceof BtfType.FuncProto proto) {
            return new Prototype(types, function.name(), proto.result(), proto.parameters(), proto.variadic());
        }
        throw new IllegalStateException("read as a function though its type is none: " + function);
    }

    /** The prototype as C writes it, qualifiers left out, such as {@code int f(struct inode *, u32)}. */
    @Override
    public String toString() {
        StringBuilder list = new StringBuilder();
        for (Parameter parameter : parameters) {
            list.append(list.isEmpty() ? "" : ", ").append(TypeText.of(types, parameter.type()));
        }
        if (variadic) {
            list.append(list.isEmpty() ? "..." : ", ...");
        } else if (list.isEmpty()) {
            list.append("void");
        }
        String type = TypeText.of(types, result);
        return type + (type.endsWith("*") ? "" : " ") + function + "(" + list + ")";
    }
}
