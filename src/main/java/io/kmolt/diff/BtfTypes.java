package io.kmolt.diff;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.FunctionPrototypes;
import io.kmolt.btf.LayoutDiff;
import io.kmolt.btf.LayoutDifference;
import io.kmolt.btf.LineParameter;
import io.kmolt.btf.OpaqueMembers;
import io.kmolt.btf.Scope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the BTF of two builds says about their types. */
public final class BtfTypes implements Types {
    private final Btf oldTypes;
    private final Btf newTypes;
    private final List<LayoutDifference> differences;
    private final Map<String, Optional<LineParameter>> lineParameters = new HashMap<>();

    /**
     * Compares the types that either build owns.
     *
     * @throws BtfException if they are too many or too entangled to compare
     */
    public BtfTypes(Btf oldTypes, Btf newTypes) throws BtfException {
        this.oldTypes = oldTypes;
        this.newTypes = newTypes;
        this.differences = LayoutDiff.compare(oldTypes, newTypes, Scope.owned());
    }

    private static String withoutSubject(LayoutDifference difference) {
        return difference.describe().substring(difference.type().length() + 2);
    }

    @Override
    public List<Refusal> layoutDifferences() {
        return differences.stream()
                .filter(d -> !isHarmless(d))
                .map(d -> new Refusal(Refusal.Kind.TYPE_LAYOUT, d.type(), withoutSubject(d)))
                .toList();
    }

    /** What no object contains yet cannot be misread. */
    public static boolean isHarmless(LayoutDifference difference) {
        return difference.kind() == LayoutDifference.Kind.ENUMERATOR_ADDED;
    }

    @Override
    public List<LayoutDifference> differences() {
        return differences;
    }

    @Override
    public List<String> unseen() {
        return OpaqueMembers.of(newTypes);
    }

    @Override
    public Optional<String> prototypeDifference(String function) {
        return FunctionPrototypes.incompatibility(oldTypes, function, newTypes, function);
    }

    /** Both builds have to agree. */
    @Override
    public Optional<LineParameter> lineParameter(String function) {
        return lineParameters.computeIfAbsent(function, name -> {
            Optional<LineParameter> before = LineParameter.of(oldTypes, name);
            return before.equals(LineParameter.of(newTypes, name)) ? before : Optional.empty();
        });
    }
}
