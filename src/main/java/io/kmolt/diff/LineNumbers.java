package io.kmolt.diff;

import io.kmolt.diff.ToldLines.Told;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.x86.Instruction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Line numbers in the code of two builds: {@code __LINE__} says how many lines are above, not what the code does.
 *
 * <p>Nothing marks a number as one, so there has to be evidence:
 *
 * <ul>
 *   <li>It is an argument that types show to be a line number for certain ({@link ToldLines}).
 *   <li>It is moved somewhere by an instruction whose own line it is, in both builds ({@link MovedLines}).
 *   <li>It is an argument whose parameter is named so, and it moved as some line of the function did.
 * </ul>
 *
 * <p>The latter two need debugging information of both builds. Bound: what is told is looked for once in each function; what
 * moved, in functions of one name and size, up to the first difference that is none. Fallback: any other number counts. Limits: a
 * number that has other instructions before and after a change, as small ones have; one that is compared or reckoned with.
 */
final class LineNumbers {
    private final Side old;
    private final Side now;
    private final MovedLines moved;

    LineNumbers(KernelModule oldModule, KernelModule newModule, Types types) {
        this.old = new Side(oldModule, new ToldLines(oldModule, types), new HashMap<>());
        this.now = new Side(newModule, new ToldLines(newModule, types), new HashMap<>());
        this.moved = new MovedLines(oldModule, newModule);
    }

    /** One of the two builds, with what was found to be told in its functions. */
    private record Side(KernelModule module, ToldLines told, Map<Item, List<Told>> found) {
        List<Told> told(Item function) {
            return found.computeIfAbsent(function, told::in);
        }

        boolean isTold(Item function, Instruction mov) {
            return told(function).stream().anyMatch(t -> t.mov().equals(mov));
        }
    }

    private Side side(KernelModule module) {
        return module == old.module ? old : now;
    }

    /** Sets those that are certain to zero in a function's code. */
    void clear(KernelModule module, Item function, byte[] code) {
        side(module).told(function).stream().filter(Told::certain).forEach(told -> clear(code, function, told.mov()));
    }

    private static void clear(byte[] code, Item function, Instruction instruction) {
        int from = (int) (instruction.offset() + instruction.immOffset() - function.offset());
        Arrays.fill(code, from, from + instruction.immSize(), (byte) 0);
    }

    /** Whether two instructions have line numbers for immediates, which differ. */
    boolean isMoved(Item oldFunction, Instruction a, Item newFunction, Instruction b) {
        if (a.immSize() == 0 || a.immSize() != b.immSize() || a.immOffset() != b.immOffset() || a.imm() == b.imm()) {
            return false;
        }
        return moved.isOwnLine(oldFunction, a, newFunction, b)
                || (old.isTold(oldFunction, a)
                        && now.isTold(newFunction, b)
                        && moved.isLineOfFunction(oldFunction, a.imm(), newFunction, b.imm()));
    }

    /** Sets those that moved to zero, in functions that differ in nothing else. */
    void clearMoved(Map<Item, Shape> oldShapes, Map<Item, Shape> newShapes) {
        Map<String, List<Map.Entry<Item, Shape>>> olds = new HashMap<>();
        oldShapes
                .entrySet()
                .forEach(entry -> olds.computeIfAbsent(entry.getKey().name(), _ -> new ArrayList<>())
                        .add(entry));
        for (Map.Entry<Item, Shape> newEntry : newShapes.entrySet()) {
            for (Map.Entry<Item, Shape> oldEntry :
                    olds.getOrDefault(newEntry.getKey().name(), List.of())) {
                boolean same = Arrays.equals(
                        oldEntry.getValue().code(), newEntry.getValue().code());
                if (same || clearMoved(oldEntry, newEntry)) {
                    break;
                }
            }
        }
    }

    /** Whether the code is the same now; if not, neither shape is another. */
    private boolean clearMoved(Map.Entry<Item, Shape> oldEntry, Map.Entry<Item, Shape> newEntry) {
        byte[] oldCode = oldEntry.getValue().code().clone();
        byte[] newCode = newEntry.getValue().code().clone();
        boolean same = clearMoved(oldEntry.getKey(), oldCode, newEntry.getKey(), newCode);
        if (same) {
            oldEntry.setValue(oldEntry.getValue().withCode(oldCode));
            newEntry.setValue(newEntry.getValue().withCode(newCode));
        }
        return same;
    }

    private boolean clearMoved(Item oldItem, byte[] oldCode, Item newItem, byte[] newCode) {
        List<Instruction> olds = old.module.instructions(oldItem);
        List<Instruction> news = now.module.instructions(newItem);
        if (oldCode.length != newCode.length || olds.size() != news.size()) {
            return false;
        }
        for (int i = 0; i < olds.size(); i++) {
            Instruction a = olds.get(i);
            Instruction b = news.get(i);
            int from = (int) (a.offset() - oldItem.offset());
            int end = from + a.length();
            if (Arrays.equals(oldCode, from, end, newCode, from, end)) {
                continue;
            }
            if (!isMoved(oldItem, a, newItem, b)) {
                return false;
            }
            clear(oldCode, oldItem, a);
            clear(newCode, newItem, b);
        }
        return Arrays.equals(oldCode, newCode);
    }
}
