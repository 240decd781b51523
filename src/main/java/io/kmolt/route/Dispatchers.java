package io.kmolt.route;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Makes dispatchers of routes. */
public final class Dispatchers {
    private Dispatchers() {}

    /** The dispatchers of several functions, one after the other in one piece of code. */
    public static DispatcherCode assemble(KernelLayout layout, List<DispatcherRequest> requests) {
        Assembler assembler = new Assembler();
        List<Map<Label.Kind, Mark>> marks = new ArrayList<>();
        List<Integer> ends = new ArrayList<>();
        for (DispatcherRequest request : requests) {
            marks.add(new DispatcherWriter(assembler, layout, marks.size(), request).write());
            ends.add(assembler.size());
        }
        List<Item> items = assembler.items();
        Layout placed = new Layout(items);
        List<Label> labels = new ArrayList<>();
        List<Explanation> explanations = new ArrayList<>();
        for (int function = 0; function < requests.size(); function++) {
            int from = function == 0 ? 0 : ends.get(function - 1);
            int to = ends.get(function);
            labels.addAll(labels(function, marks.get(function), placed, placed.offset(to)));
            explanations.add(explanation(marks.get(function), placed, items, from, to));
        }
        return new DispatcherCode(
                placed.code(), placed.references(), labels, placed.returnSites(), placed.orc(), explanations);
    }

    private static List<Label> labels(int function, Map<Label.Kind, Mark> marks, Layout placed, int end) {
        List<Label> labels = new ArrayList<>();
        int next = end;
        for (Label.Kind kind : List.of(Label.Kind.values()).reversed()) {
            int offset = placed.offset(mark(marks, kind));
            labels.addFirst(new Label(function, kind, offset, next - offset));
            next = offset;
        }
        return labels;
    }

    private static Explanation explanation(
            Map<Label.Kind, Mark> marks, Layout placed, List<Item> items, int from, int to) {
        return new Explanation(placed.lines(from, to), Ways.from(mark(marks, Label.Kind.ENTRY), items));
    }

    private static Mark mark(Map<Label.Kind, Mark> marks, Label.Kind kind) {
        Mark mark = marks.get(kind);
        if (mark == null) {
            throw new IllegalStateException("no " + kind);
        }
        return mark;
    }
}
