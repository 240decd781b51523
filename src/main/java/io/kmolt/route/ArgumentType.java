package io.kmolt.route;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfType;
import io.kmolt.btf.Prototype;
import java.util.ArrayList;
import java.util.List;

/**
 * What an integer argument register holds. The bits beyond {@code bits} have no meaning (System V psABI, section 3.2.3).
 *
 * @param bits 8, 16, 32 or 64
 * @param signed whether the value is to be extended with its sign
 */
public record ArgumentType(int bits, boolean signed) {
    /** rdi, rsi, rdx, rcx, r8, r9. */
    public static final int REGISTERS = 6;

    private static final ArgumentType WORD = new ArgumentType(64, false);

    public ArgumentType {
        if (bits != 8 && bits != 16 && bits != 32 && bits != 64) {
            throw new IllegalArgumentException(bits + " bits");
        }
    }

    /**
     * What the argument registers hold when a function of that prototype is called. The list ends before the first
     * parameter of which this cannot be told: a structure that is not 1, 2, 4, 8 or 16 bytes long or that does not fit into
     * the registers that are left, or a floating-point number.
     */
    public static List<ArgumentType> of(Prototype prototype) {
        Btf btf = prototype.types();
        List<ArgumentType> types = new ArrayList<>();
        for (BtfType.Parameter parameter : prototype.parameters()) {
            List<ArgumentType> registers = registers(btf, parameter.type());
            if (registers.isEmpty() || types.size() + registers.size() > REGISTERS) {
                break;
            }
            types.addAll(registers);
        }
        return List.copyOf(types);
    }

    private static List<ArgumentType> registers(Btf btf, int id) {
        int inner = btf.resolved(id);
        return switch (btf.type(inner)) {
            case BtfType.Ptr _ -> List.of(WORD);
            case BtfType.Int integer -> sized(integer.size(), integer.signed());
            case BtfType.Enumeration enumeration -> sized(enumeration.size(), enumeration.signed());
            case BtfType.Composite _ -> sized(btf.sizeOf(inner), false);
            default -> List.of();
        };
    }

    private static List<ArgumentType> sized(long bytes, boolean signed) {
        return switch ((int) Math.min(bytes, 32)) {
            case 1, 2, 4, 8 -> List.of(new ArgumentType((int) bytes * 8, signed));
            case 16 -> List.of(WORD, WORD);
            default -> List.of();
        };
    }

    /** The smallest value, as a 64-bit signed number. */
    long least() {
        return bits == 64 ? Long.MIN_VALUE : signed ? -1L << (bits - 1) : 0;
    }

    /** The greatest value, as a 64-bit signed number. */
    long greatest() {
        return bits == 64 ? Long.MAX_VALUE : signed ? (1L << (bits - 1)) - 1 : (1L << bits) - 1;
    }
}
