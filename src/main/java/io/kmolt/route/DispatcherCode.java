package io.kmolt.route;

import java.util.List;

/**
 * The dispatchers of several functions.
 *
 * @param code to be put at a multiple of {@link #ALIGNMENT}
 * @param references what has to be filled in, in ascending order
 * @param labels four of each function, in the order in which they are in the code
 * @param returnSites where each jump to the return thunk begins; each belongs into {@code .return_sites}
 * @param orc how stacks are unwound, in ascending order; the last one is for the end of the code
 * @param explanations one of each function
 */
public record DispatcherCode(
        byte[] code,
        List<CodeReference> references,
        List<Label> labels,
        List<Integer> returnSites,
        List<OrcHint> orc,
        List<Explanation> explanations) {
    public static final int ALIGNMENT = 16;

    public DispatcherCode {
        code = code.clone();
        references = List.copyOf(references);
        labels = List.copyOf(labels);
        returnSites = List.copyOf(returnSites);
        orc = List.copyOf(orc);
        explanations = List.copyOf(explanations);
    }

    @Override
    public byte[] code() {
        return code.clone();
    }

    /** One of a function's four places. */
    public Label label(int function, Label.Kind kind) {
        return labels.stream()
                .filter(label -> label.function() == function && label.kind() == kind)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no function " + function));
    }
}
