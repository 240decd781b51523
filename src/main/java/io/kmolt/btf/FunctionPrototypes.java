package io.kmolt.btf;

import io.kmolt.btf.BtfType.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Prototypes of functions, and whether a call that was compiled for one may reach another.
 *
 * <p>Two prototypes are compatible if a caller and a callee of the same machine cannot tell them apart: as many
 * parameters, and for each of them and for the result the same kind of type with the same size and sign, or a pointer to
 * what has the same kind and name. Qualifiers, typedef names and parameter names do not count. A structure that is passed
 * by value must have the same members, since these decide about the registers that it travels in (System V psABI,
 * section 3.2.3).
 *
 * <p>An encoder drops a module's function if the kernel has one of the same name and prototype ({@code btf_dedup_ref_type}
 * in {@code tools/lib/bpf/btf.c}; {@code init_once} of minix is such), so the base's functions count where the module has
 * none of that name. {@link Prototype#isInherited} tells: an encoder that leaves a function out for another reason looks
 * the same, which pahole 1.24 does only for functions whose parameters have no names.
 */
public final class FunctionPrototypes {
    private static final long MAX_WORK = 1_000_000;

    private FunctionPrototypes() {}

    /**
     * The prototype of a function; empty if the BTF does not describe it, or describes several of that name that differ.
     */
    public static Optional<Prototype> prototype(Btf btf, String function) {
        List<Prototype> distinct = prototypes(btf, function);
        return distinct.size() == 1 ? Optional.of(distinct.getFirst()) : Optional.empty();
    }

    /**
     * The prototypes of all functions of that name, in the order of the BTF; equal ones once. Static functions of different
     * files may be namesakes, and BTF does not say which symbol is which.
     */
    public static List<Prototype> prototypes(Btf btf, String function) {
        List<Prototype> distinct = new ArrayList<>();
        for (Prototype candidate : all(btf, function)) {
            if (distinct.stream().allMatch(p -> difference(p, candidate).isPresent())) {
                distinct.add(candidate);
            }
        }
        return List.copyOf(distinct);
    }

    /** Whether either function may be called in place of the other. */
    public static boolean compatible(Btf a, String function, Btf b, String other) {
        return incompatibility(a, function, b, other).isEmpty();
    }

    /** Why neither function may be called in place of the other, in one line; empty if they are compatible. */
    public static Optional<String> incompatibility(Btf a, String function, Btf b, String other) {
        List<Prototype> some = prototypes(a, function);
        List<Prototype> more = prototypes(b, other);
        if (some.isEmpty()) {
            return Optional.of("%s does not describe %s".formatted(a.name(), function));
        }
        if (more.isEmpty()) {
            return Optional.of("%s does not describe %s".formatted(b.name(), other));
        }
        if (some.size() > 1) {
            return Optional.of("%s has several functions %s that differ".formatted(a.name(), function));
        }
        if (more.size() > 1) {
            return Optional.of("%s has several functions %s that differ".formatted(b.name(), other));
        }
        return difference(some.getFirst(), more.getFirst());
    }

    /** Those of the module's own functions of that name, also equal ones. */
    static List<Prototype> own(Btf btf, String function) {
        return described(btf, btf.ownIds(function));
    }

    private static List<Prototype> all(Btf btf, String function) {
        List<Prototype> own = own(btf, function);
        return own.isEmpty() ? described(btf, btf.ids(function)) : own;
    }

    private static List<Prototype> described(Btf btf, List<Integer> ids) {
        return ids.stream()
                .map(btf::type)
                .filter(BtfType.Func.class::isInstance)
                .map(BtfType.Func.class::cast)
                .map(found -> Prototype.of(btf, found))
                .toList();
    }

    private static Optional<String> difference(Prototype a, Prototype b) {
        try {
            return reason(a, b, new TypeMatch(a.types(), b.types(), new Budget(MAX_WORK)))
                    .map(reason -> "%s: %s, in %s; %s in %s"
                            .formatted(reason, a, a.types().name(), b, b.types().name()));
        } catch (Budget.Spent spent) {
            return Optional.of("%s and %s: %s".formatted(a.function(), b.function(), spent.getMessage()));
        }
    }

    private static Optional<String> reason(Prototype a, Prototype b, TypeMatch match) {
        if (a.parameters().size() != b.parameters().size()) {
            return Optional.of("%d and %d parameters"
                    .formatted(a.parameters().size(), b.parameters().size()));
        }
        if (a.variadic() != b.variadic()) {
            return Optional.of("only one of them takes a variable number of arguments");
        }
        if (!match.samePassed(a.result(), b.result())) {
            return Optional.of("different results");
        }
        for (int i = 0; i < a.parameters().size(); i++) {
            Parameter one = a.parameters().get(i);
            Parameter two = b.parameters().get(i);
            if (!match.samePassed(one.type(), two.type())) {
                return Optional.of("parameter %d differs".formatted(i + 1));
            }
        }
        return Optional.empty();
    }
}
