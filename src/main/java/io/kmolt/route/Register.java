package io.kmolt.route;

import java.util.Locale;

/** The general registers that dispatchers name, with their numbers in instructions. */
enum Register implements Operand {
    RCX(1),
    RDX(2),
    RSP(4),
    RSI(6),
    RDI(7),
    R8(8),
    R9(9),
    R10(10),
    R11(11);

    private final int number;

    Register(int number) {
        this.number = number;
    }

    /** The function's arguments in integer registers, in their order (System V psABI, section 3.2.3). */
    static Register argument(int index) {
        return switch (index) {
            case 0 -> RDI;
            case 1 -> RSI;
            case 2 -> RDX;
            case 3 -> RCX;
            case 4 -> R8;
            case 5 -> R9;
            default -> throw new IllegalArgumentException("argument " + index);
        };
    }

    int number() {
        return number;
    }

    @Override
    public String text(int bits) {
        String name = name().toLowerCase(Locale.ROOT);
        if (number >= 8) {
            return "%" + name
                    + switch (bits) {
                        case 8 -> "b";
                        case 16 -> "w";
                        case 32 -> "d";
                        default -> "";
                    };
        }
        String old = name.substring(1);
        return switch (bits) {
            case 8 -> "%" + old.replace("x", "") + "l";
            case 16 -> "%" + old;
            case 32 -> "%e" + old;
            default -> "%" + name;
        };
    }
}
