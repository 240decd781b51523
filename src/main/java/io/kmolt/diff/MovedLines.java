package io.kmolt.diff;

import io.kmolt.dwarf.LineTable;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.x86.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * Numbers in code that moved as their source did: some instruction of the function comes from the line that is the number, or
 * shortly before it (as {@code __LINE__} in a macro's arguments is where these end), and in the other build the instruction in
 * its place comes from a line that is as much further as the number is greater. A number that changed while the lines did
 * not, or by another amount, is none of these.
 *
 * <p>Not only the line of the number's own instruction is asked for: where a function was inlined that is told the line of
 * its caller, that is a line of the inlined one.
 */
final class MovedLines {
    /** No macro's arguments go on for more lines. */
    private static final int MOST_LINES = 16;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private @Nullable LineTable oldLines; // once they were asked for
    private @Nullable LineTable newLines;

    MovedLines(KernelModule oldModule, KernelModule newModule) {
        this.oldModule = oldModule;
        this.newModule = newModule;
    }

    /** Whether the immediates of two instructions of the same form are such. */
    boolean isMoved(Item oldFunction, Instruction old, Item newFunction, Instruction now) {
        if (old.immSize() == 0
                || old.immRelative()
                || old.immSize() != now.immSize()
                || old.immOffset() != now.immOffset()
                || old.imm() == now.imm()) {
            return false;
        }
        long shift = now.imm() - old.imm();
        return oldLines().rows(oldFunction.section(), oldFunction.offset(), oldFunction.end()).entrySet().stream()
                .filter(row -> old.imm() >= row.getValue() && old.imm() <= row.getValue() + MOST_LINES)
                .anyMatch(
                        row -> newLines()
                                .line(newFunction.section(), newFunction.offset() + row.getKey() - oldFunction.offset())
                                .stream()
                                .anyMatch(line -> line == row.getValue() + shift));
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
