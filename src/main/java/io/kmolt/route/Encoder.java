package io.kmolt.route;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * The instructions that dispatchers are made of, as bytes.
 *
 * <p>Encodings: Intel SDM volume 2; ModRM and SIB bytes in section 2.1.5, REX prefixes in section 2.2.1.
 */
final class Encoder {
    private static final int GS_PREFIX = 0x65;
    private static final int OPERAND_16 = 0x66;

    private Encoder() {}

    static boolean fitsByte(long value) {
        return value == (byte) value;
    }

    static boolean fitsInt(long value) {
        return value == (int) value;
    }

    /** Reads {@code bits} bits, extended to 64. */
    static MachineCode load(Register to, Operand from, int bits, boolean signed) {
        int[] opcode = switch (bits) {
            case 8 -> new int[] {0x0f, signed ? 0xbe : 0xb6};
            case 16 -> new int[] {0x0f, signed ? 0xbf : 0xb7};
            case 32 -> new int[] {signed ? 0x63 : 0x8b};
            default -> new int[] {0x8b};
        };
        String letter = switch (bits) {
            case 8 -> "b";
            case 16 -> "w";
            default -> "l";
        };
        boolean plain = bits == 64 || (bits == 32 && !signed);
        String name = plain ? "mov" : "mov" + (signed ? "s" : "z") + letter + (signed ? "q" : "l");
        boolean wide = bits == 64 || signed;
        return instruction(
                wide,
                false,
                bits == 8,
                opcode,
                to.number(),
                from,
                new byte[0],
                line(name, from.text(bits), to.text(wide ? 64 : 32)));
    }

    /** Changes the flags. */
    static MachineCode constant(Register to, long value) {
        if (value == 0) {
            return instruction(
                    false,
                    false,
                    false,
                    new int[] {0x31},
                    to.number(),
                    to,
                    new byte[0],
                    line("xor", to.text(32), to.text(32)));
        }
        byte[] head;
        byte[] immediate;
        String name = "mov";
        int bits = 64;
        if (value == (value & 0xffff_ffffL)) {
            head = shortForm(false, 0xb8, to);
            immediate = little(value, 4);
            bits = 32;
        } else if (fitsInt(value)) {
            return instruction(
                    true,
                    false,
                    false,
                    new int[] {0xc7},
                    0,
                    to,
                    little(value, 4),
                    line(name, "$" + value, to.text(64)));
        } else {
            head = shortForm(true, 0xb8, to);
            immediate = little(value, 8);
            name = "movabs";
        }
        return plain(join(head, immediate), line(name, "$" + hex(value), to.text(bits)));
    }

    /** An operation with a constant, which must fit into 32 bits with a sign, or into {@code bits} if these are fewer. */
    static MachineCode alu(Alu operation, int bits, Operand to, long constant) {
        boolean small = bits == 8 || fitsByte(bits == 16 ? (short) constant : bits == 32 ? (int) constant : constant);
        int size = small ? 1 : bits == 16 ? 2 : 4;
        int opcode = bits == 8 ? 0x80 : small ? 0x83 : 0x81;
        return instruction(
                bits == 64,
                bits == 16,
                bits == 8,
                new int[] {opcode},
                operation.number(),
                to,
                little(constant, size),
                line(operation.text() + suffix(to, bits), "$" + constant, to.text(bits)));
    }

    /** An operation on 64 bits. */
    static MachineCode alu(Alu operation, Register to, Operand from) {
        return instruction(
                true,
                false,
                false,
                new int[] {(operation.number() << 3) | 3},
                to.number(),
                from,
                new byte[0],
                line(operation.text(), from.text(64), to.text(64)));
    }

    /** Compares {@code left} with the register {@code right}. */
    static MachineCode compare(int bits, Operand left, Register right) {
        return instruction(
                bits == 64,
                bits == 16,
                bits == 8,
                new int[] {bits == 8 ? 0x38 : 0x39},
                right.number(),
                left,
                new byte[0],
                line("cmp", right.text(bits), left.text(bits)));
    }

    /** Compares a register with 0. */
    static MachineCode testSelf(int bits, Register register) {
        return instruction(
                bits == 64,
                bits == 16,
                bits == 8,
                new int[] {bits == 8 ? 0x84 : 0x85},
                register.number(),
                register,
                new byte[0],
                line("test", register.text(bits), register.text(bits)));
    }

    /** Looks at the bits of a mask, which must fit as in {@link #alu(Alu, int, Operand, long)}. */
    static MachineCode test(int bits, Operand operand, long mask) {
        return instruction(
                bits == 64,
                bits == 16,
                bits == 8,
                new int[] {bits == 8 ? 0xf6 : 0xf7},
                0,
                operand,
                little(mask, bits == 8 ? 1 : bits == 16 ? 2 : 4),
                line("test" + suffix(operand, bits), "$" + mask, operand.text(bits)));
    }

    static MachineCode multiply(Register to, Operand by) {
        return instruction(
                true,
                false,
                false,
                new int[] {0x0f, 0xaf},
                to.number(),
                by,
                new byte[0],
                line("imul", by.text(64), to.text(64)));
    }

    /** {@code by} must fit into 32 bits with a sign. */
    static MachineCode multiply(Register register, long by) {
        boolean small = fitsByte(by);
        return instruction(
                true,
                false,
                false,
                new int[] {small ? 0x6b : 0x69},
                register.number(),
                register,
                little(by, small ? 1 : 4),
                line("imul", "$" + by, register.text(64), register.text(64)));
    }

    static MachineCode shift(Shift shift, Register register, int by) {
        return instruction(
                true,
                false,
                false,
                new int[] {0xc1},
                shift.number(),
                register,
                little(by, 1),
                line(shift.text(), "$" + by, register.text(64)));
    }

    /** Shifts by the low six bits of rcx. */
    static MachineCode shiftByCl(Shift shift, Register register) {
        return instruction(
                true,
                false,
                false,
                new int[] {0xd3},
                shift.number(),
                register,
                new byte[0],
                line(shift.text(), "%cl", register.text(64)));
    }

    static MachineCode exchange(Register one, Register other) {
        return instruction(
                true,
                false,
                false,
                new int[] {0x87},
                one.number(),
                other,
                new byte[0],
                line("xchg", one.text(64), other.text(64)));
    }

    static MachineCode negate(Register register) {
        return instruction(
                true, false, false, new int[] {0xf7}, 3, register, new byte[0], line("neg", register.text(64)));
    }

    static MachineCode complement(Register register) {
        return instruction(
                true, false, false, new int[] {0xf7}, 2, register, new byte[0], line("not", register.text(64)));
    }

    static MachineCode increment(Operand operand) {
        return instruction(
                true, false, false, new int[] {0xff}, 0, operand, new byte[0], line("incq", operand.text(64)));
    }

    static MachineCode address(Register to, Operand.Outside of) {
        return instruction(
                true,
                false,
                false,
                new int[] {0x8d},
                to.number(),
                of,
                new byte[0],
                line("lea", of.text(64), to.text(64)));
    }

    static MachineCode push(Register register) {
        return plain(shortForm(false, 0x50, register), line("push", register.text(64)));
    }

    static MachineCode pop(Register register) {
        return plain(shortForm(false, 0x58, register), line("pop", register.text(64)));
    }

    static MachineCode jump(CodeTarget target) {
        return new MachineCode(
                new byte[] {(byte) 0xe9, 0, 0, 0, 0},
                Optional.of(new CodeReference(1, -4, target)),
                line("jmp", Operand.name(target)),
                "");
    }

    private static String suffix(Operand operand, int bits) {
        if (operand instanceof Register) {
            return "";
        }
        return switch (bits) {
            case 8 -> "b";
            case 16 -> "w";
            case 32 -> "l";
            default -> "q";
        };
    }

    /** With a ModRM byte; {@code bytes} says that a register operand of 8 bits may need a REX prefix to mean that. */
    private static MachineCode instruction(
            boolean wide,
            boolean half,
            boolean bytes,
            int[] opcode,
            int reg,
            Operand operand,
            byte[] immediate,
            String text) {
        ByteBuffer out = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        if (operand instanceof Operand.PerCpu || operand instanceof Operand.PerCpuAt) {
            out.put((byte) GS_PREFIX);
        }
        if (half) {
            out.put((byte) OPERAND_16);
        }
        int base = switch (operand) {
            case Register register -> register.number();
            case Operand.Memory memory -> memory.base().number();
            case Operand.PerCpuAt at -> at.base().number();
            case Operand.PerCpu _, Operand.Outside _ -> 0;
        };
        int rex = (wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (base >= 8 ? 1 : 0);
        if (rex != 0 || (bytes && operand instanceof Register && (base >= 4 || reg >= 4))) {
            out.put((byte) (0x40 | rex));
        }
        for (int b : opcode) {
            out.put((byte) b);
        }
        int modrm = (reg & 7) << 3;
        Optional<CodeReference> reference = Optional.empty();
        switch (operand) {
            case Register _ -> out.put((byte) (0xc0 | modrm | (base & 7)));
            case Operand.Memory memory -> memory(out, modrm, base, memory.displacement());
            case Operand.PerCpuAt _ -> memory(out, modrm, base, 0);
            case Operand.PerCpu variable ->
                out.put((byte) (modrm | 4)).put((byte) 0x25).putInt(variable.offset());
            case Operand.Outside outside -> {
                out.put((byte) (modrm | 5));
                reference = Optional.of(new CodeReference(out.position(), -4 - immediate.length, outside.target()));
                out.putInt(0);
            }
        }
        out.put(immediate);
        return new MachineCode(Arrays.copyOf(out.array(), out.position()), reference, text, operand.comment());
    }

    /** A base register, which may need a SIB byte (rsp, r12) or a displacement even if it is 0 (rbp, r13). */
    private static void memory(ByteBuffer out, int modrm, int base, int displacement) {
        int low = base & 7;
        int mod = displacement == 0 && low != 5 ? 0 : fitsByte(displacement) ? 0x40 : 0x80;
        out.put((byte) (mod | modrm | low));
        if (low == 4) {
            out.put((byte) 0x24);
        }
        if (mod == 0x40) {
            out.put((byte) displacement);
        } else if (mod == 0x80) {
            out.putInt(displacement);
        }
    }

    /** An opcode that holds the register's number itself. */
    private static byte[] shortForm(boolean wide, int opcode, Register register) {
        int rex = (wide ? 8 : 0) | (register.number() >= 8 ? 1 : 0);
        byte last = (byte) (opcode | (register.number() & 7));
        return rex == 0 ? new byte[] {last} : new byte[] {(byte) (0x40 | rex), last};
    }

    private static MachineCode plain(byte[] bytes, String text) {
        return new MachineCode(bytes, Optional.empty(), text, "");
    }

    private static byte[] join(byte[] head, byte[] tail) {
        return ByteBuffer.allocate(head.length + tail.length)
                .put(head)
                .put(tail)
                .array();
    }

    private static byte[] little(long value, int size) {
        return Arrays.copyOf(
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array(),
                size);
    }

    private static String hex(long value) {
        return value >= 0 && value < 1 << 16 ? Long.toString(value) : "0x" + Long.toHexString(value);
    }

    /** A mnemonic and its operands, in columns. */
    static String line(String mnemonic, String... operands) {
        return "%-7s %s".formatted(mnemonic, String.join(", ", operands));
    }
}
