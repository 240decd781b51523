package io.kmolt.route;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Collects instructions, and follows the stack pointer. */
final class Assembler {
    private static final Item.After NEXT = new Item.After.Next();

    private final List<Item> items = new ArrayList<>();
    private final Map<Mark, Integer> depths = new HashMap<>();
    private int depth;

    /** What was collected. */
    List<Item> items() {
        return List.copyOf(items);
    }

    /** How many items there are by now. */
    int size() {
        return items.size();
    }

    void add(MachineCode code) {
        items.add(new Item.Fixed(code, depth, NEXT, false));
    }

    /** An instruction that is there for the sake of counting only. */
    void addCounting(MachineCode code) {
        items.add(new Item.Fixed(code, depth, NEXT, true));
    }

    /** A jump out of the code, or what the kernel makes a return of. */
    void leave(MachineCode code, Item.After after) {
        if (depth != 0) {
            throw new IllegalStateException(depth + " words are left on the stack");
        }
        items.add(new Item.Fixed(code, depth, after, false));
    }

    void push(Register register) {
        add(Encoder.push(register));
        depth++;
    }

    void pop(Register register) {
        add(Encoder.pop(register));
        depth--;
    }

    void jump(JumpKind kind, Mark target) {
        sameDepth(target);
        items.add(new Item.Jump(kind, target, depth));
    }

    void place(Mark mark) {
        sameDepth(mark);
        items.add(new Item.Place(mark));
    }

    /** Only where the processor does not come along. */
    void padding(Mark aligned) {
        items.add(new Item.Padding(aligned));
    }

    private void sameDepth(Mark mark) {
        Integer other = depths.putIfAbsent(mark, depth);
        if (other != null && other != depth) {
            throw new IllegalStateException(
                    mark + " is reached with " + other + " and " + depth + " words on the stack");
        }
    }
}
