package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * The section with the few instructions that kmolt itself adds to a module.
 *
 * <p>Stubs are aligned to 32 bytes, with {@code int3} between them. Each ends in a jump that leaves the stack alone: there
 * is no return that would have to be mitigated. Opcodes: Intel SDM, volume 2.
 */
public final class StubCode {
    /** No stub is longer. */
    private static final int SIZE = 32;

    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};
    /** lea rel32(%rip), %rdi. */
    private static final byte[] LEA_RDI = {0x48, (byte) 0x8d, 0x3d};
    /** lea rel32(%rip), %rsi. */
    private static final byte[] LEA_RSI = {0x48, (byte) 0x8d, 0x35};
    /** lea rel32(%rip), %r10. */
    private static final byte[] LEA_R10 = {0x4c, (byte) 0x8d, 0x15};
    /** cmpq imm8, rel32(%rip). */
    private static final byte[] CMPQ_IMM8 = {0x48, (byte) 0x83, 0x3d};

    private static final byte JNE_REL8 = 0x75;
    private static final byte JMP_REL32 = (byte) 0xe9;
    private static final int JMP_SIZE = 5;
    private static final byte INT3 = (byte) 0xcc;

    private final ElfEditor editor;
    private final ByteArrayOutputStream code = new ByteArrayOutputStream();
    private final List<ElfRelocation> relocations = new ArrayList<>();
    private final int section;

    /**
     * Reserves the section.
     *
     * @param name the section's, {@code .text.kmolt} or one that begins so
     */
    public StubCode(ElfEditor editor, String name) {
        this.editor = editor;
        this.section = editor.addSection(name, Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, 16, new byte[0]);
    }

    /** The section's index. */
    public int section() {
        return section;
    }

    /** Size of the code so far, in bytes. */
    public int size() {
        return code.size();
    }

    /**
     * A stub that hands the descriptor to a function of the core. Begins with {@code endbr64}, as it is called through a
     * pointer.
     *
     * @param name the stub's symbol
     * @param function the core's function
     * @param arguments symbols of what it is given: at most two
     * @return the symbol
     */
    public int tell(String name, String function, int... arguments) {
        int symbol = begin(name);
        code.writeBytes(ENDBR64);
        for (int i = 0; i < arguments.length; i++) {
            refer(i == 0 ? LEA_RDI : LEA_RSI, Elf.R_X86_64_PC32, arguments[i], 0);
        }
        jump(editor.addSymbol(function, Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0));
        end();
        return symbol;
    }

    /**
     * What an edition calls in order to reach the original. Only called directly, so it needs no {@code endbr64}.
     *
     * <pre>
     *      cmpq $0, marker(%rip)
     *      jne  1f
     *      jmp  body
     *   1: lea  marker(%rip), %r10
     *      jmp  entry
     * </pre>
     *
     * @param marker symbol of the function's marker word
     * @param body symbol of the first instruction behind the function's ftrace site
     * @param entry symbol of the function
     * @return the stub's symbol
     */
    public int original(String name, int marker, int body, int entry) {
        int symbol = begin(name);
        refer(CMPQ_IMM8, Elf.R_X86_64_PC32, marker, 1);
        code.write(0);
        code.write(JNE_REL8);
        code.write(JMP_SIZE);
        jump(body);
        refer(LEA_R10, Elf.R_X86_64_PC32, marker, 0);
        jump(entry);
        end();
        return symbol;
    }

    private int begin(String name) {
        return editor.addSymbol(name, Elf.STB_LOCAL, Elf.STT_FUNC, section, code.size(), SIZE);
    }

    private void jump(int target) {
        refer(new byte[] {JMP_REL32}, Elf.R_X86_64_PLT32, target, 0);
    }

    /** An instruction with a 32-bit distance, counted from the instruction's end. */
    private void refer(byte[] opcode, int type, int symbol, int bytesBehind) {
        code.writeBytes(opcode);
        relocations.add(new ElfRelocation(code.size(), type, symbol, -Integer.BYTES - bytesBehind));
        code.writeBytes(new byte[Integer.BYTES]);
    }

    private void end() {
        while (code.size() % SIZE != 0) {
            code.write(INT3);
        }
    }

    /** Fills the section with what was added. */
    public void finish() {
        editor.setContent(section, code.toByteArray());
        editor.setRelocations(section, relocations);
    }
}
