package io.kmolt.btf;

import java.util.List;

/**
 * One decoded BTF record. References to other types are their ids, to be asked of the {@link Btf} that the record came
 * from; {@code ""} is the name of what has none.
 *
 * <p>The format is described in the kernel's {@code Documentation/bpf/btf.rst}, section 2.2, and
 * {@code include/uapi/linux/btf.h}.
 */
public sealed interface BtfType {
    /** The id by which other records refer to it. */
    int id();

    /** Its kind on disk. */
    BtfKind kind();

    /** Its name, or {@code ""}. */
    default String name() {
        return "";
    }

    /** Type id 0. */
    record VoidType() implements BtfType {
        @Override
        public int id() {
            return 0;
        }

        @Override
        public BtfKind kind() {
            return BtfKind.VOID;
        }
    }

    /**
     * An integer of {@code size} bytes of which {@code bits} count, from bit {@code bitOffset} on; encoders of today
     * always have all bits count.
     */
    record Int(int id, String name, long size, int bits, int bitOffset, boolean signed, boolean character, boolean bool)
            implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.INT;
        }
    }

    /** A pointer. */
    record Ptr(int id, int target) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.PTR;
        }
    }

    /** An array; a flexible one has a count of 0. Encoders fold several dimensions into one. */
    record Array(int id, int element, int index, long count) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.ARRAY;
        }
    }

    /** A structure or a union of {@code size} bytes. */
    record Composite(int id, BtfKind kind, String name, long size, List<Member> members) implements BtfType {}

    /**
     * A member of a structure or union.
     *
     * @param name {@code ""} for an anonymous structure or union, whose members count as the outer type's
     * @param bitSize the width of a bit-field, or 0 for a member that is none
     */
    record Member(String name, int type, long bitOffset, int bitSize) {}

    /** An enumeration of either width; {@code signed} says how its values are to be read. */
    record Enumeration(int id, BtfKind kind, String name, long size, boolean signed, List<Enumerator> enumerators)
            implements BtfType {}

    /** A named value; an unsigned 64-bit one beyond {@link Long#MAX_VALUE} appears negative. */
    record Enumerator(String name, long value) {}

    /** A structure or union that is declared and not defined. */
    record Fwd(int id, String name, boolean union) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FWD;
        }
    }

    /** Another name for a type. */
    record Typedef(int id, String name, int target) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.TYPEDEF;
        }
    }

    /** {@code const}, {@code volatile}, {@code restrict}, or a type tag, whose text then is the name. */
    record Qualifier(int id, BtfKind kind, String name, int target) implements BtfType {}

    /** A function; {@code proto} is the id of a {@link FuncProto}. */
    record Func(int id, String name, int proto, Linkage linkage) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FUNC;
        }
    }

    /** From where a function can be seen ({@code enum btf_func_linkage}). */
    enum Linkage {
        STATIC,
        GLOBAL,
        EXTERN
    }

    /** A function's type. The dots of a variadic one are not among its parameters. */
    record FuncProto(int id, int result, List<Parameter> parameters, boolean variadic) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FUNC_PROTO;
        }
    }

    /** A function's parameter. */
    record Parameter(String name, int type) {}

    /** A variable; {@code linkage} is 0 for static, 1 for global, 2 for extern. */
    record Var(int id, String name, int target, int linkage) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.VAR;
        }
    }

    /** A section and the variables in it. */
    record DataSec(int id, String name, long size, List<SectionEntry> entries) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.DATASEC;
        }
    }

    /** Where a variable lies in its section, in bytes. */
    record SectionEntry(int variable, long offset, long size) {}

    /** A floating-point number of {@code size} bytes. */
    record Floating(int id, String name, long size) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FLOAT;
        }
    }

    /** An annotation of a type, function or variable, or, with {@code component} ≥ 0, of a member or parameter. */
    record DeclTag(int id, String name, int target, int component) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.DECL_TAG;
        }
    }
}
