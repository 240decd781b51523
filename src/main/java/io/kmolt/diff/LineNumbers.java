package io.kmolt.diff;

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
 * <p>Nothing marks a number as one, so there has to be evidence, of either kind:
 *
 * <ul>
 *   <li>It is an argument that the callee calls a line number ({@link ToldLines}): needs types, or one of few known names.
 *   <li>It moved as its source did ({@link MovedLines}): needs debugging information of both builds.
 * </ul>
 *
 * <p>Bound: what is told is looked for once in each function; what moved, in functions of one name and size whose code
 * differs. Fallback: any other number counts. Limits: that of a call which several paths lead to, and one that is stored, are
 * not known without debugging information.
 */
final class LineNumbers {
    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final ToldLines told;
    private final MovedLines moved;

    LineNumbers(KernelModule oldModule, KernelModule newModule, Types types) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.told = new ToldLines(types);
        this.moved = new MovedLines(oldModule, newModule);
    }

    /** Sets those that are told to zero in a function's code. */
    void clear(KernelModule module, Item function, byte[] code) {
        told.clear(module, function, code);
    }

    /** Whether two instructions that differ in their immediates have line numbers there. */
    boolean isMoved(Item oldFunction, Instruction old, Item newFunction, Instruction now) {
        return moved.isMoved(oldFunction, old, newFunction, now);
    }

    /** Sets those that moved to zero, in functions that differ in nothing else. */
    void clearMoved(Map<Item, Shape> oldShapes, Map<Item, Shape> newShapes) {
        Map<String, List<Map.Entry<Item, Shape>>> olds = new HashMap<>();
        oldShapes
                .entrySet()
                .forEach(old -> olds.computeIfAbsent(old.getKey().name(), _ -> new ArrayList<>())
                        .add(old));
        for (Map.Entry<Item, Shape> now : newShapes.entrySet()) {
            for (Map.Entry<Item, Shape> old : olds.getOrDefault(now.getKey().name(), List.of())) {
                if (Arrays.equals(old.getValue().code(), now.getValue().code()) || clearMoved(old, now)) {
                    break;
                }
            }
        }
    }

    /** Whether the code is the same now; if not, neither shape is another. */
    private boolean clearMoved(Map.Entry<Item, Shape> old, Map.Entry<Item, Shape> now) {
        byte[] oldCode = old.getValue().code().clone();
        byte[] newCode = now.getValue().code().clone();
        boolean same = clearMoved(old.getKey(), oldCode, now.getKey(), newCode);
        if (same) {
            old.setValue(old.getValue().withCode(oldCode));
            now.setValue(now.getValue().withCode(newCode));
        }
        return same;
    }

    private boolean clearMoved(Item oldItem, byte[] oldCode, Item newItem, byte[] newCode) {
        List<Instruction> olds = oldModule.instructions(oldItem);
        List<Instruction> news = newModule.instructions(newItem);
        if (oldCode.length != newCode.length || olds.size() != news.size()) {
            return false;
        }
        for (int i = 0; i < olds.size(); i++) {
            Instruction a = olds.get(i);
            int at = (int) (a.offset() - oldItem.offset());
            if (!Arrays.equals(oldCode, at, at + a.length(), newCode, at, at + a.length())
                    && isMoved(oldItem, a, newItem, news.get(i))) {
                int from = at + a.immOffset();
                Arrays.fill(oldCode, from, from + a.immSize(), (byte) 0);
                Arrays.fill(newCode, from, from + a.immSize(), (byte) 0);
            }
        }
        return Arrays.equals(oldCode, newCode);
    }
}
