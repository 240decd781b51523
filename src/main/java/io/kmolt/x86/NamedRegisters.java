package io.kmolt.x86;

import java.util.OptionalInt;

/**
 * The general registers that an instruction reads or writes, for those that compilers set up arguments with: moves, {@code
 * lea}, arithmetic and logic without implicit operands, shifts by a number, {@code push}. Of any other it is not known.
 *
 * <p>Encoding: Intel SDM volume 2, chapter 2; numbers of registers as there, rax being 0 and r15 being 15.
 */
public final class NamedRegisters {
    private static final int RAX = 0;
    private static final int SIB = 4;

    private final byte[] code;
    private final Instruction instruction;
    private final int opcodeAt;
    private final int rex;

    private NamedRegisters(byte[] code, Instruction instruction) {
        this.code = code;
        this.instruction = instruction;
        int at = instruction.offset();
        while (isLegacyPrefix(code[at] & 0xff)) {
            at++;
        }
        boolean extended = (code[at] & 0xf0) == 0x40;
        this.rex = extended ? code[at] & 0xf : 0;
        this.opcodeAt = extended ? at + 1 : at;
    }

    /**
     * One bit for each register, of 64 or of any fewer bits of it.
     *
     * @param code what the instruction was decoded from
     * @return empty if it may use others, too
     */
    public static OptionalInt of(byte[] code, Instruction instruction) {
        return new NamedRegisters(code, instruction).mask();
    }

    private static boolean isLegacyPrefix(int octet) {
        return switch (octet) {
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3 -> true;
            default -> false;
        };
    }

    private OptionalInt mask() {
        int opcode = instruction.opcode();
        return switch (instruction.map()) {
            case ONE_BYTE -> oneByte(opcode);
            case MAP_0F -> isKnownOf0f(opcode) ? OptionalInt.of(operands(2)) : OptionalInt.empty();
            case MAP_0F38, MAP_0F3A, OTHER -> OptionalInt.empty();
        };
    }

    private OptionalInt oneByte(int opcode) {
        if ((opcode >= 0x50 && opcode < 0x58) || (opcode >= 0xb0 && opcode < 0xc0)) { // push, mov of a number
            return OptionalInt.of(bit((opcode & 7) | (rex & 1) << 3));
        }
        if (opcode < 0x40 && (opcode & 7) < 4) { // add, or, adc, sbb, and, sub, xor, cmp
            return OptionalInt.of(operands(1));
        }
        if ((opcode < 0x40 && (opcode & 7) < 6)
                || opcode == 0xa8
                || opcode == 0xa9) { // those, and test, of rax and a number
            return OptionalInt.of(bit(RAX));
        }
        return switch (opcode) {
            case 0x63, 0x69, 0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xc0, 0xc1, 0xc6, 0xc7 ->
                OptionalInt.of(operands(1));
            case 0x68, 0x6a, 0x90 -> OptionalInt.of(0);
            default -> OptionalInt.empty();
        };
    }

    /** {@code cmovcc}, {@code movzx}, {@code movsx}, {@code imul} of two operands, long nops. */
    private static boolean isKnownOf0f(int opcode) {
        return (opcode >= 0x40 && opcode < 0x50)
                || opcode == 0x1f
                || opcode == 0xaf
                || opcode == 0xb6
                || opcode == 0xb7
                || opcode == 0xbe
                || opcode == 0xbf;
    }

    /** What ModRM and SIB name; a field that extends the opcode counts as a register, too. */
    private int operands(int opcodeLength) {
        int modrm = instruction.modrm();
        int mode = modrm >> 6 & 3;
        int rm = modrm & 7;
        int mask = bit((modrm >> 3 & 7) | (rex & 4) << 1);
        if (mode == 3 || rm != SIB) {
            boolean ripRelative = mode == 0 && rm == 5;
            return ripRelative ? mask : mask | bit(rm | (rex & 1) << 3);
        }
        int sib = code[opcodeAt + opcodeLength + 1];
        return mask | bit((sib & 7) | (rex & 1) << 3) | bit((sib >> 3 & 7) | (rex & 2) << 2);
    }

    private static int bit(int register) {
        return 1 << register;
    }
}
