package io.kmolt.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kmolt.x86.Instruction.Flow;
import io.kmolt.x86.Instruction.OpcodeMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decodes 64-bit x86 code with the Zydis library. May be used by several threads.
 *
 * <p>Only layouts are decoded, not operands: what kmolt needs is where instructions begin, where their displacements and
 * immediates are, and where they branch.
 */
public final class Decoder {
    private static final int MAX_INSTRUCTION = 15;

    private final Zydis zydis;

    private Decoder(Zydis zydis) {
        this.zydis = zydis;
    }

    /** Loaded once, when first used; a failure is kept, as a class that failed to load says nothing useful afterwards. */
    private static final class Shared {
        static final @Nullable Decoder DECODER;
        static final @Nullable DecoderUnavailableException FAILURE;

        static {
            Decoder decoder = null;
            DecoderUnavailableException failure = null;
            try {
                decoder = open();
            } catch (DecoderUnavailableException e) {
                failure = e;
            }
            DECODER = decoder;
            FAILURE = failure;
        }
    }

    /**
     * The decoder that all of kmolt uses.
     *
     * @throws DecoderUnavailableException if the library is missing or of another version
     */
    public static Decoder shared() {
        Decoder decoder = Shared.DECODER;
        if (decoder != null) {
            return decoder;
        }
        throw Objects.requireNonNull(Shared.FAILURE);
    }

    /**
     * Loads the library.
     *
     * @throws DecoderUnavailableException if it is missing or of another version
     */
    static Decoder open() {
        return new Decoder(Zydis.load());
    }

    /**
     * Decodes the instruction at {@code offset}.
     *
     * @param limit where the code ends; the instruction may not reach beyond
     * @throws DecodeException if there is no instruction
     */
    public Instruction decode(byte[] code, int offset, int limit) throws DecodeException {
        Objects.checkFromToIndex(offset, limit, code.length);
        int size = Math.min(MAX_INSTRUCTION, limit - offset);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(MAX_INSTRUCTION);
            MemorySegment.copy(code, offset, bytes, JAVA_BYTE, 0, size);
            return decode(bytes.asSlice(0, size), offset, arena.allocate(Zydis.INSTRUCTION));
        }
    }

    /**
     * Decodes one instruction after the other from {@code from} up to exactly {@code to}.
     *
     * @throws DecodeException at the first place where there is no instruction, or one that reaches beyond {@code to}
     */
    public List<Instruction> decodeAll(byte[] code, int from, int to) throws DecodeException {
        Objects.checkFromToIndex(from, to, code.length);
        List<Instruction> instructions = new ArrayList<>((to - from) / 4);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(Math.max(1, to - from));
            MemorySegment.copy(code, from, bytes, JAVA_BYTE, 0, to - from);
            MemorySegment result = arena.allocate(Zydis.INSTRUCTION);
            for (int at = from; at < to; ) {
                Instruction instruction = decode(bytes.asSlice(at - from, to - at), at, result);
                instructions.add(instruction);
                at = instruction.end();
            }
        }
        return instructions;
    }

    /**
     * An instruction as the GNU assembler writes it; places are absolute, as if {@code code} began at address 0.
     *
     * @param code where it is, and perhaps others
     */
    public String text(byte[] code, Instruction instruction) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(MAX_INSTRUCTION);
            MemorySegment.copy(code, instruction.offset(), bytes, JAVA_BYTE, 0, instruction.length());
            return zydis.text(bytes.asSlice(0, instruction.length()), instruction.offset());
        }
    }

    private Instruction decode(MemorySegment code, int offset, MemorySegment result) throws DecodeException {
        int status = zydis.decode(code, result);
        if (status < 0) {
            throw new DecodeException(offset, Zydis.problem(status));
        }
        OpcodeMap map = map(result.get(JAVA_INT, Zydis.OPCODE_MAP));
        int opcode = u8(result, Zydis.OPCODE);
        int modrm = modrm(result);
        int dispSize = u8(result, Zydis.DISP_SIZE) / 8;
        // mov to and from control and debug registers ignores ModRM's mod: there is no memory operand.
        boolean memory = modrm >= 0
                ? modrm >>> 6 != 3 && !(map == OpcodeMap.MAP_0F && opcode >= 0x20 && opcode <= 0x23)
                : dispSize > 0;
        boolean ripRelative = memory && modrm >= 0 && (modrm & 0xc7) == 0x05;
        return new Instruction(
                offset,
                u8(result, Zydis.LENGTH),
                zydis.mnemonic(result.get(JAVA_INT, Zydis.MNEMONIC)),
                flow(result.get(JAVA_INT, Zydis.CATEGORY)),
                map,
                opcode,
                modrm,
                memory,
                ripRelative,
                memory && modrm >= 0 && !ripRelative && hasAddressRegister(result, modrm),
                u8(result, Zydis.DISP_OFFSET),
                dispSize,
                result.get(JAVA_LONG, Zydis.DISP_VALUE),
                u8(result, Zydis.IMM_OFFSET),
                u8(result, Zydis.IMM_SIZE) / 8,
                result.get(JAVA_LONG, Zydis.IMM_VALUE),
                result.get(JAVA_BYTE, Zydis.IMM_RELATIVE) != 0);
    }

    private static int modrm(MemorySegment result) {
        if ((result.get(JAVA_LONG, Zydis.ATTRIBUTES) & Zydis.HAS_MODRM) == 0) {
            return -1;
        }
        return u8(result, Zydis.MODRM_MOD) << 6 | u8(result, Zydis.MODRM_REG) << 3 | u8(result, Zydis.MODRM_RM);
    }

    /** Intel SDM volume 2, tables 2-2 and 2-3: only a SIB byte can do without base, and without index. */
    private static boolean hasAddressRegister(MemorySegment result, int modrm) {
        if ((modrm & 7) != 4) {
            return true;
        }
        boolean base = u8(result, Zydis.SIB_BASE) != 5 || modrm >>> 6 != 0;
        // XOP, VEX and EVEX prefixes hold X inverted.
        boolean extended = result.get(JAVA_INT, Zydis.ENCODING) <= Zydis.ENCODING_3DNOW
                ? result.get(JAVA_BYTE, Zydis.REX_X) != 0
                : result.get(JAVA_BYTE, Zydis.VEX_X) == 0;
        boolean index = u8(result, Zydis.SIB_INDEX) != 4 || extended;
        return base || index;
    }

    private static Flow flow(int category) {
        return switch (category) {
            case Zydis.CATEGORY_CALL -> Flow.CALL;
            case Zydis.CATEGORY_UNCOND_BR -> Flow.JUMP;
            case Zydis.CATEGORY_COND_BR -> Flow.CONDITIONAL_JUMP;
            case Zydis.CATEGORY_RET, Zydis.CATEGORY_SYSRET -> Flow.RETURN;
            default -> Flow.NEXT;
        };
    }

    private static OpcodeMap map(int map) {
        return switch (map) {
            case 0 -> OpcodeMap.ONE_BYTE;
            case 1 -> OpcodeMap.MAP_0F;
            case 2 -> OpcodeMap.MAP_0F38;
            case 3 -> OpcodeMap.MAP_0F3A;
            default -> OpcodeMap.OTHER;
        };
    }

    private static int u8(MemorySegment segment, long at) {
        return Byte.toUnsignedInt(segment.get(JAVA_BYTE, at));
    }
}
