package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The code that an update module adds: three stubs that hand the descriptor to the core.
 *
 * <p>Each is a tail jump, so it never stands on a stack and needs no unwind data, and no return that would have to be
 * mitigated. All begin with {@code endbr64}, as they are called through pointers.
 *
 * @param init symbol of the stub that enrols the update
 * @param exit symbol of the stub that withdraws it
 * @param baseExit symbol of the stub that becomes the base's exit
 */
record Stubs(int init, int exit, int baseExit) {
    static final List<String> IMPORTS = List.of("kmolt_enroll", "kmolt_withdraw", "kmolt_exit");

    private static final int SIZE = 32;
    /** lea rel32(%rip), %rdi. */
    private static final byte[] LEA_RDI = {0x48, (byte) 0x8d, 0x3d};
    /** lea rel32(%rip), %rsi. */
    private static final byte[] LEA_RSI = {0x48, (byte) 0x8d, 0x35};

    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};
    private static final byte JMP_REL32 = (byte) 0xe9;
    private static final byte INT3 = (byte) 0xcc;

    /**
     * Adds the stubs.
     *
     * @param descriptor symbol of the descriptor
     * @param module symbol of the update's own {@code struct module}
     */
    static Stubs add(ElfEditor editor, int descriptor, int module) {
        Assembler assembler = new Assembler();
        int[] at = new int[IMPORTS.size()];
        for (int i = 0; i < at.length; i++) {
            at[i] = assembler.begin();
            assembler.refer(LEA_RDI, Elf.R_X86_64_PC32, descriptor);
            if (i == 0) {
                assembler.refer(LEA_RSI, Elf.R_X86_64_PC32, module);
            }
            int target = editor.addSymbol(IMPORTS.get(i), Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
            assembler.refer(new byte[] {JMP_REL32}, Elf.R_X86_64_PLT32, target);
        }
        int section = editor.addSection(
                ".text.kmolt", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, 16, assembler.code());
        editor.setRelocations(section, assembler.relocations);
        return new Stubs(
                symbol(editor, section, "kmolt_stub_init", at[0]),
                symbol(editor, section, "kmolt_stub_exit", at[1]),
                symbol(editor, section, "kmolt_stub_base_exit", at[2]));
    }

    private static int symbol(ElfEditor editor, int section, String name, int at) {
        return editor.addSymbol(name, Elf.STB_LOCAL, Elf.STT_FUNC, section, at, SIZE);
    }

    private static final class Assembler {
        private final ByteBuffer code =
                ByteBuffer.allocate(SIZE * IMPORTS.size()).order(ByteOrder.LITTLE_ENDIAN);
        private final List<ElfRelocation> relocations = new ArrayList<>();

        int begin() {
            while (code.position() % SIZE != 0) {
                code.put(INT3);
            }
            int start = code.position();
            code.put(ENDBR64);
            return start;
        }

        /** An instruction that ends in a 32-bit distance. */
        void refer(byte[] opcode, int type, int symbol) {
            code.put(opcode);
            relocations.add(new ElfRelocation(code.position(), type, symbol, -Integer.BYTES));
            code.putInt(0);
        }

        byte[] code() {
            while (code.hasRemaining()) {
                code.put(INT3);
            }
            return code.array();
        }
    }
}
