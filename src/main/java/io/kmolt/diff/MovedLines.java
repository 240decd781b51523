package io.kmolt.diff;

import io.kmolt.dwarf.LineTable;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.x86.Instruction;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Numbers in code that moved as their source did, by the debugging information of both builds. A number that changed while
 * the lines did not, or by another amount, is none of these.
 */
final class MovedLines {
    /** {@code __LINE__} in a macro's arguments is where these end, and its instruction comes from where they begin. */
    private static final int MOST_LINES = 16;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private @Nullable LineTable oldLines; // once they were asked for
    private @Nullable LineTable newLines;

    MovedLines(KernelModule oldModule, KernelModule newModule) {
        this.oldModule = oldModule;
        this.newModule = newModule;
    }

    /** Whether two instructions move a number somewhere, and it is the very line that each comes from. */
    boolean isOwnLine(Item oldFunction, Instruction old, Item newFunction, Instruction now) {
        return isMoveOfNumber(old)
                && isMoveOfNumber(now)
                && isLine(old.imm(), oldLines().line(oldFunction.section(), old.offset()))
                && isLine(now.imm(), newLines().line(newFunction.section(), now.offset()));
    }

    private static boolean isMoveOfNumber(Instruction instruction) {
        return instruction.immSize() > 0
                && (instruction.mnemonic().equals("mov")
                        || instruction.mnemonic().equals("push"));
    }

    private static boolean isLine(long number, OptionalInt line) {
        return line.isPresent() && line.getAsInt() == number;
    }

    /**
     * Whether some instruction of the function comes from the line that the first number is, or shortly before it, and in the
     * other build the instruction in its place comes from a line that is as much further as the second number is greater.
     * Where a function was inlined that is told the line of its caller, the number's own instruction comes from a line of the
     * inlined one.
     */
    boolean isLineOfFunction(Item oldFunction, long oldNumber, Item newFunction, long newNumber) {
        return oldLines().rows(oldFunction.section(), oldFunction.offset(), oldFunction.end()).entrySet().stream()
                .filter(row -> oldNumber >= row.getValue() && oldNumber <= row.getValue() + MOST_LINES)
                .anyMatch(row -> isLine(
                        row.getValue() + newNumber - oldNumber,
                        newLines()
                                .line(
                                        newFunction.section(),
                                        newFunction.offset() + row.getKey() - oldFunction.offset())));
    }

    private LineTable oldLines() {
        if (oldLines == null) {
            oldLines = LineTable.of(oldModule.elf());
        }
        return oldLines;
    }

    private LineTable newLines() {
        if (newLines == null) {
            newLines = LineTable.of(newModule.elf());
        }
        return newLines;
    }
}
