package io.kmolt.x86;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.PathElement.sequenceElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The functions and structures of the Zydis library that kmolt uses, as {@code Zydis/Decoder.h} and
 * {@code Zydis/DecoderTypes.h} of version 4.0 declare them.
 *
 * <p>The structures are this version's alone; {@link #load} therefore accepts no other.
 */
final class Zydis {
    private static final String LIBRARY = "libZydis.so.4.0";
    private static final long VERSION_4_0 = 0x0004_0000;

    /** {@code ZYDIS_MACHINE_MODE_LONG_64} and {@code ZYDIS_STACK_WIDTH_64}. */
    private static final int LONG_64 = 0;

    private static final int STACK_64 = 2;

    /** {@code ZydisDecoder}: machine mode, stack width, nine decoder modes, padding. */
    static final StructLayout DECODER = MemoryLayout.structLayout(
            JAVA_INT.withName("machine_mode"),
            JAVA_INT.withName("stack_width"),
            MemoryLayout.sequenceLayout(9, JAVA_BYTE).withName("decoder_mode"),
            MemoryLayout.paddingLayout(3));

    private static final StructLayout IMMEDIATE = MemoryLayout.structLayout(
            JAVA_BYTE.withName("is_signed"),
            JAVA_BYTE.withName("is_relative"),
            MemoryLayout.paddingLayout(6),
            JAVA_LONG.withName("value"),
            JAVA_BYTE.withName("size"),
            JAVA_BYTE.withName("offset"),
            MemoryLayout.paddingLayout(6));

    /** {@code ZydisDecodedInstruction}; {@code raw.} members are flattened, members not used are padding. */
    static final StructLayout INSTRUCTION = MemoryLayout.structLayout(
            JAVA_INT.withName("machine_mode"),
            JAVA_INT.withName("mnemonic"),
            JAVA_BYTE.withName("length"),
            MemoryLayout.paddingLayout(3),
            JAVA_INT.withName("encoding"),
            JAVA_INT.withName("opcode_map"),
            JAVA_BYTE.withName("opcode"),
            MemoryLayout.paddingLayout(11), // widths, operand counts
            JAVA_LONG.withName("attributes"),
            MemoryLayout.paddingLayout(52), // cpu_flags, fpu_flags, avx
            JAVA_INT.withName("category"),
            MemoryLayout.paddingLayout(16), // isa_set, isa_ext, branch_type, exception_class
            MemoryLayout.paddingLayout(128), // raw.prefix_count, raw.prefixes, raw.encoding2
            MemoryLayout.paddingLayout(1), // a union: raw.rex begins with W, R, X, B
            JAVA_BYTE.withName("vex_x"), // and raw.xop, raw.vex, raw.evex with R, X, B
            JAVA_BYTE.withName("rex_x"),
            MemoryLayout.paddingLayout(1),
            MemoryLayout.paddingLayout(11),
            JAVA_BYTE.withName("modrm_mod"),
            JAVA_BYTE.withName("modrm_reg"),
            JAVA_BYTE.withName("modrm_rm"),
            JAVA_BYTE.withName("modrm_offset"),
            JAVA_BYTE.withName("sib_scale"),
            JAVA_BYTE.withName("sib_index"),
            JAVA_BYTE.withName("sib_base"),
            JAVA_BYTE.withName("sib_offset"),
            MemoryLayout.paddingLayout(1),
            JAVA_LONG.withName("disp_value"),
            JAVA_BYTE.withName("disp_size"),
            JAVA_BYTE.withName("disp_offset"),
            MemoryLayout.paddingLayout(6),
            MemoryLayout.sequenceLayout(2, IMMEDIATE).withName("imm"));

    static final long MNEMONIC = at("mnemonic");
    static final long LENGTH = at("length");
    static final long ENCODING = at("encoding");
    static final long OPCODE_MAP = at("opcode_map");
    static final long OPCODE = at("opcode");
    static final long ATTRIBUTES = at("attributes");
    static final long CATEGORY = at("category");
    static final long REX_X = at("rex_x");
    static final long VEX_X = at("vex_x");
    static final long MODRM_MOD = at("modrm_mod");
    static final long MODRM_REG = at("modrm_reg");
    static final long MODRM_RM = at("modrm_rm");
    static final long SIB_INDEX = at("sib_index");
    static final long SIB_BASE = at("sib_base");
    static final long DISP_VALUE = at("disp_value");
    static final long DISP_SIZE = at("disp_size");
    static final long DISP_OFFSET = at("disp_offset");
    static final long IMM_RELATIVE = immediate("is_relative");
    static final long IMM_VALUE = immediate("value");
    static final long IMM_SIZE = immediate("size");
    static final long IMM_OFFSET = immediate("offset");

    /** {@code ZYDIS_ATTRIB_HAS_MODRM}. */
    static final long HAS_MODRM = 1;

    /** {@code ZYDIS_INSTRUCTION_ENCODING_3DNOW}; this and the one below it may have a REX prefix. */
    static final int ENCODING_3DNOW = 1;

    // ZydisInstructionCategory (Zydis/Generated/EnumInstructionCategory.h)
    static final int CATEGORY_CALL = 20;
    static final int CATEGORY_COND_BR = 28;
    static final int CATEGORY_RET = 75;
    static final int CATEGORY_SYSRET = 90;
    static final int CATEGORY_UNCOND_BR = 96;

    /** {@code ZydisDisassembledInstruction} ({@code Zydis/Disassembler.h}): an instruction, ten operands, 96 characters. */
    private static final long DISASSEMBLED_TEXT = 8 + 328 + 10 * 80;

    private static final long DISASSEMBLED_SIZE = DISASSEMBLED_TEXT + 96;

    /** {@code ZYDIS_MNEMONIC_MAX_VALUE} + 1. */
    private static final int MNEMONIC_COUNT = 1755;

    private final MemorySegment decoder;
    private final MethodHandle decodeInstruction;
    private final MethodHandle disassemble;
    private final String[] mnemonics;

    private Zydis(MemorySegment decoder, MethodHandle decodeInstruction, MethodHandle disassemble, String[] mnemonics) {
        this.decoder = decoder;
        this.decodeInstruction = decodeInstruction;
        this.disassemble = disassemble;
        this.mnemonics = mnemonics;
    }

    /** @throws DecoderUnavailableException if the library is missing or of another version */
    static Zydis load() {
        Linker linker = Linker.nativeLinker();
        SymbolLookup library;
        try {
            library = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new DecoderUnavailableException("the library " + LIBRARY + " is missing", e);
        }
        try {
            long version =
                    (long) linker.downcallHandle(symbol(library, "ZydisGetVersion"), FunctionDescriptor.of(JAVA_LONG))
                            .invokeExact();
            if (version >>> 32 != VERSION_4_0) {
                throw new DecoderUnavailableException(
                        LIBRARY + " is Zydis " + (version >>> 48) + "." + (version >>> 32 & 0xffff) + ", not 4.0",
                        null);
            }
            MemorySegment decoder = Arena.ofAuto().allocate(DECODER);
            int status = (int) linker.downcallHandle(
                            symbol(library, "ZydisDecoderInit"),
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT))
                    .invokeExact(decoder, LONG_64, STACK_64);
            if (status < 0) {
                throw new DecoderUnavailableException(LIBRARY + " cannot decode 64-bit code", null);
            }
            // "critical": the function computes for well under a microsecond and never calls back.
            MethodHandle decode = linker.downcallHandle(
                    symbol(library, "ZydisDecoderDecodeInstruction"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS),
                    Linker.Option.critical(false));
            MethodHandle disassemble = linker.downcallHandle(
                    symbol(library, "ZydisDisassembleATT"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS));
            return new Zydis(decoder, decode, disassemble, mnemonics(linker, library));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // none of these functions throws
        }
    }

    private static String[] mnemonics(Linker linker, SymbolLookup library) throws Throwable {
        MethodHandle name = linker.downcallHandle(
                symbol(library, "ZydisMnemonicGetString"), FunctionDescriptor.of(ADDRESS, JAVA_INT));
        String[] names = new String[MNEMONIC_COUNT];
        for (int i = 0; i < names.length; i++) {
            MemorySegment text = (MemorySegment) name.invokeExact(i);
            names[i] = text.address() == 0 ? "" : text.reinterpret(64).getString(0);
        }
        return names;
    }

    private static MemorySegment symbol(SymbolLookup library, String name) {
        return library.find(name)
                .orElseThrow(() -> new DecoderUnavailableException(LIBRARY + " lacks the function " + name, null));
    }

    /**
     * Decodes one instruction.
     *
     * @param code native memory
     * @param result an {@link #INSTRUCTION}
     * @return a {@code ZyanStatus}, negative on failure
     */
    int decode(MemorySegment code, MemorySegment result) {
        try {
            return (int) decodeInstruction.invokeExact(decoder, MemorySegment.NULL, code, code.byteSize(), result);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Writes an instruction as the GNU assembler reads it.
     *
     * @param address where it is supposed to be
     * @return "" if it is none
     */
    String text(MemorySegment code, long address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(DISASSEMBLED_SIZE);
            int status = (int) disassemble.invokeExact(LONG_64, address, code, code.byteSize(), result);
            return status < 0 ? "" : result.getString(DISASSEMBLED_TEXT);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    String mnemonic(int id) {
        return id >= 0 && id < mnemonics.length ? mnemonics[id] : "";
    }

    /** What a failure means ({@code Zydis/Status.h}). */
    static String problem(int status) {
        return switch (status & 0xfffff) {
            case 0x0 -> "the code ends within an instruction";
            case 0x2 -> "instruction longer than 15 bytes";
            case 0x3 -> "instruction with a register that it cannot have";
            case 0x4 -> "lock prefix where none may be";
            case 0x5 -> "instruction with a prefix that it cannot have";
            default -> "not an instruction";
        };
    }

    private static long at(String member) {
        PathElement element = groupElement(member);
        return INSTRUCTION.byteOffset(element);
    }

    private static long immediate(String member) {
        return INSTRUCTION.byteOffset(groupElement("imm"), sequenceElement(0), groupElement(member));
    }
}
