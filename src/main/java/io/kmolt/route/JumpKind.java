package io.kmolt.route;

/** When a jump within the code is taken; the number is the condition's in the opcode (Intel SDM volume 1, appendix B). */
enum JumpKind {
    ALWAYS(-1, "jmp"),
    BELOW(2, "jb"),
    ABOVE_EQUAL(3, "jae"),
    EQUAL(4, "je"),
    NOT_EQUAL(5, "jne"),
    BELOW_EQUAL(6, "jbe"),
    ABOVE(7, "ja"),
    LESS(12, "jl"),
    GREATER_EQUAL(13, "jge"),
    LESS_EQUAL(14, "jle"),
    GREATER(15, "jg");

    private final int condition;
    private final String text;

    JumpKind(int condition, String text) {
        this.condition = condition;
        this.text = text;
    }

    /** The jump that is taken after a comparison for which {@code operator} holds. */
    static JumpKind of(Operator operator, boolean signed) {
        return switch (operator) {
            case EQUAL -> EQUAL;
            case NOT_EQUAL -> NOT_EQUAL;
            case LESS -> signed ? LESS : BELOW;
            case LESS_EQUAL -> signed ? LESS_EQUAL : BELOW_EQUAL;
            case GREATER -> signed ? GREATER : ABOVE;
            case GREATER_EQUAL -> signed ? GREATER_EQUAL : ABOVE_EQUAL;
            default -> throw new IllegalArgumentException(operator.name());
        };
    }

    String text() {
        return text;
    }

    /** The opcode for a distance of 8 or of 32 bits. */
    byte[] opcode(boolean near) {
        if (this == ALWAYS) {
            return new byte[] {(byte) (near ? 0xe9 : 0xeb)};
        }
        return near ? new byte[] {0x0f, (byte) (0x80 | condition)} : new byte[] {(byte) (0x70 | condition)};
    }

    int size(boolean near) {
        return opcode(near).length + (near ? 4 : 1);
    }
}
