package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import io.kmolt.x86.DecodeException;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.util.ArrayList;
import java.util.List;

/** The instructions of a section's functions, found by their place. */
final class Code {
    private final List<Instruction> instructions;

    private Code(List<Instruction> instructions) {
        this.instructions = instructions;
    }

    /**
     * Decodes what lies between the first and the last byte of each function.
     *
     * @param functions the functions of the section, by offset; two may be the same code under two names
     */
    static Code decode(String file, ElfSection section, byte[] content, List<Item> functions) throws ModuleException {
        List<Instruction> instructions = new ArrayList<>();
        long end = 0;
        for (Item function : functions) {
            if (function.end() <= end) {
                continue;
            }
            if (function.end() > content.length) {
                throw new ModuleException(
                        file, section.name() + ": function " + function.name() + " ends outside of its section");
            }
            try {
                instructions.addAll(Decoder.shared()
                        .decodeAll(content, (int) Math.max(end, function.offset()), (int) function.end()));
            } catch (DecodeException e) {
                throw new ModuleException(
                        file, section.name() + ": function " + function.name() + ": " + e.getMessage());
            }
            end = function.end();
        }
        return new Code(instructions);
    }

    /** Index of the first instruction at or behind a place. */
    private int indexFrom(long offset) {
        int low = 0;
        int high = instructions.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (instructions.get(middle).offset() < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The instructions from one place up to another. */
    List<Instruction> between(long from, long to) {
        return instructions.subList(indexFrom(from), indexFrom(to));
    }

    /** The instruction that the byte at {@code offset} belongs to, or null. */
    @org.jspecify.annotations.Nullable
    Instruction covering(long offset) {
        int index = indexFrom(offset + 1) - 1;
        if (index < 0) {
            return null;
        }
        Instruction instruction = instructions.get(index);
        return offset < instruction.end() ? instruction : null;
    }

    /** What an instruction's index register is multiplied by, at least; 0 if its operand has no register in its address. */
    static int stride(byte[] content, Instruction instruction) {
        if (!instruction.indexed()) {
            return 0;
        }
        // The SIB byte stands before the displacement. Intel SDM, volume 2, 2.1.3.
        boolean sib = (instruction.modrm() & 7) == 4 && instruction.dispSize() > 0;
        return sib ? 1 << ((content[instruction.offset() + instruction.dispOffset() - 1] & 0xff) >> 6) : 1;
    }
}
