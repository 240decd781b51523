package io.kmolt.btf;

/**
 * The kinds of BTF types. The ordinal of each is its value on disk ({@code BTF_KIND_*} in
 * {@code include/uapi/linux/btf.h}); {@link #VOID} stands for type id 0, which no record describes.
 */
public enum BtfKind {
    VOID,
    INT,
    PTR,
    ARRAY,
    STRUCT,
    UNION,
    ENUM,
    FWD,
    TYPEDEF,
    VOLATILE,
    CONST,
    RESTRICT,
    FUNC,
    FUNC_PROTO,
    VAR,
    DATASEC,
    FLOAT,
    DECL_TAG,
    TYPE_TAG,
    ENUM64;

    private static final BtfKind[] BY_VALUE = values();

    /** How many values are known; a record of a kind at or beyond it has no known length. */
    static int count() {
        return BY_VALUE.length;
    }

    static BtfKind of(int value) {
        return BY_VALUE[value];
    }

    /** Whether it qualifies another type without giving it a name or a layout of its own. */
    public boolean isQualifier() {
        return this == VOLATILE || this == CONST || this == RESTRICT || this == TYPE_TAG;
    }

    /** Whether it is a structure or a union. */
    public boolean isComposite() {
        return this == STRUCT || this == UNION;
    }

    /** Whether it is an enumeration of either width. */
    public boolean isEnum() {
        return this == ENUM || this == ENUM64;
    }

    /** Whether it is a type of the C language, and not a function, a variable, a section or a tag on one of them. */
    public boolean isType() {
        return this != FUNC && this != VAR && this != DATASEC && this != DECL_TAG;
    }
}
