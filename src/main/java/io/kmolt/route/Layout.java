package io.kmolt.route;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where items come to lie, and the code that they make. All jumps begin short; those that do not reach grow until none has
 * to, which ends because none shrinks again.
 */
final class Layout {
    private static final int ALIGNMENT = 16;
    private static final byte INT3 = (byte) 0xcc;
    private static final int WORD = 8;

    private final List<Item> items;
    private final BitSet near = new BitSet();
    private final Map<Mark, Integer> marks = new HashMap<>();
    private final int[] offsets;

    Layout(List<Item> items) {
        this.items = items;
        this.offsets = new int[items.size() + 1];
        do {
            measure();
        } while (grow());
    }

    /** Where the item is. */
    int offset(int item) {
        return offsets[item];
    }

    /** Where the mark is. */
    int offset(Mark mark) {
        Integer offset = marks.get(mark);
        if (offset == null) {
            throw new IllegalStateException("nothing is at " + mark);
        }
        return offset;
    }

    private void measure() {
        int at = 0;
        for (int i = 0; i < items.size(); i++) {
            offsets[i] = at;
            if (items.get(i) instanceof Item.Place place) {
                marks.put(place.mark(), at);
            }
            at += items.get(i) instanceof Item.Padding padding ? padding(i, at, padding.aligned()) : size(i);
        }
        offsets[items.size()] = at;
    }

    private int padding(int item, int at, Mark aligned) {
        int end = at;
        for (int i = item + 1; ; i++) {
            if (items.get(i) instanceof Item.Place place && place.mark().equals(aligned)) {
                return Math.floorMod(-end, ALIGNMENT);
            }
            end += size(i);
        }
    }

    private int size(int item) {
        return switch (items.get(item)) {
            case Item.Fixed fixed -> fixed.code().bytes().length;
            case Item.Jump jump -> jump.kind().size(near.get(item));
            case Item.Place _ -> 0;
            case Item.Padding _ -> offsets[item + 1] - offsets[item];
        };
    }

    private boolean grow() {
        boolean grown = false;
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i) instanceof Item.Jump jump && !near.get(i) && !Encoder.fitsByte(distance(i, jump))) {
                near.set(i);
                grown = true;
            }
        }
        return grown;
    }

    private int distance(int item, Item.Jump jump) {
        return offset(jump.target()) - offsets[item + 1];
    }

    byte[] code() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < items.size(); i++) {
            switch (items.get(i)) {
                case Item.Fixed fixed -> out.writeBytes(fixed.code().bytes());
                case Item.Jump jump -> {
                    out.writeBytes(jump.kind().opcode(near.get(i)));
                    out.writeBytes(distance(distance(i, jump), near.get(i)));
                }
                case Item.Place _ -> {}
                case Item.Padding _ -> {
                    for (int n = offsets[i]; n < offsets[i + 1]; n++) {
                        out.write(INT3);
                    }
                }
            }
        }
        return out.toByteArray();
    }

    private static byte[] distance(int distance, boolean near) {
        return near
                ? ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(distance)
                        .array()
                : new byte[] {(byte) distance};
    }

    List<CodeReference> references() {
        List<CodeReference> references = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i) instanceof Item.Fixed fixed) {
                int at = offsets[i];
                fixed.code().reference().ifPresent(reference -> references.add(reference.moved(at)));
            }
        }
        return references;
    }

    /** Where each jump to the return thunk begins. */
    List<Integer> returnSites() {
        return references().stream()
                .filter(reference -> reference.target() instanceof CodeTarget.ReturnThunk)
                .map(reference -> reference.offset() - 1)
                .toList();
    }

    /** One hint where the stack's depth changes, and one for the end, as objtool's {@code orc_create} makes them. */
    List<OrcHint> orc() {
        List<OrcHint> hints = new ArrayList<>();
        int last = -1;
        for (int i = 0; i < items.size(); i++) {
            int depth = switch (items.get(i)) {
                case Item.Fixed fixed -> fixed.depth();
                case Item.Jump jump -> jump.depth();
                case Item.Place _, Item.Padding _ -> last;
            };
            if (depth != last) {
                hints.add(new OrcHint(offsets[i], WORD + WORD * depth));
                last = depth;
            }
        }
        hints.add(new OrcHint(offsets[items.size()], OrcHint.UNDEFINED));
        return hints;
    }

    /** The items from one up to another as text: labels, and instructions with their offsets. */
    List<Explanation.Line> lines(int from, int to) {
        List<Explanation.Line> lines = new ArrayList<>();
        for (int i = from; i < to; i++) {
            int length = offsets[i + 1] - offsets[i];
            switch (items.get(i)) {
                case Item.Fixed fixed ->
                    lines.add(new Explanation.Line(
                            offsets[i],
                            length,
                            fixed.code().text(),
                            fixed.code().comment()));
                case Item.Jump jump ->
                    lines.add(new Explanation.Line(
                            offsets[i],
                            length,
                            Encoder.line(jump.kind().text(), "0x" + Integer.toHexString(offset(jump.target()))),
                            "to " + jump.target()));
                case Item.Place place -> lines.add(new Explanation.Line(offsets[i], 0, place.mark() + ":", ""));
                case Item.Padding _ -> {}
            }
        }
        return lines;
    }
}
