package io.kmolt.btf;

import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The members of a module's types behind which there is something that types do not tell of: a {@code void *}, or a
 * pointer to a structure that is declared and nowhere defined.
 */
public final class OpaqueMembers {
    private static final long MAX_WORK = 5_000_000;

    private final Btf btf;
    private final Budget budget = new Budget(MAX_WORK);
    private final SortedSet<String> found = new TreeSet<>();

    private OpaqueMembers(Btf btf) {
        this.btf = btf;
    }

    /**
     * Finds them, those of structures without a name that are embedded included.
     *
     * @return each as {@code struct foo: private}, in alphabetical order; empty if there are too many types to look at
     */
    public static List<String> of(Btf btf) {
        OpaqueMembers members = new OpaqueMembers(btf);
        try {
            OwnedTypes types = OwnedTypes.of(btf, Scope.owned(), members.budget);
            types.named().values().stream()
                    .flatMap(Collection::stream)
                    .filter(id -> members.isNamed(id))
                    .forEach(id -> members.collect(btf.resolved(id), PairDiff.label(btf, id) + ": "));
            types.orphans().forEach(id -> members.collect(id, PairDiff.label(btf, id) + ": "));
        } catch (Budget.Spent _) {
            return List.of();
        }
        return List.copyOf(members.found);
    }

    /** Whether its own name, or lacking one this typedef's, is what a structure or union is called by. */
    private boolean isNamed(int id) {
        int type = btf.resolved(id);
        return btf.kind(type).isComposite() && (type == id || btf.nameOf(type).isEmpty());
    }

    private void collect(int composite, String prefix) {
        for (Field field : Field.of(btf, composite, budget)) {
            String path = prefix + field.name();
            int type = field.type();
            while (btf.type(btf.resolved(type)) instanceof BtfType.Array array) {
                type = array.element();
                path += "[]";
            }
            int inner = btf.resolved(type);
            if (btf.kind(inner).isComposite()) {
                if (btf.nameOf(inner).isEmpty() && TypeText.knownAs(btf, type).isEmpty()) {
                    collect(inner, path + ".");
                }
            } else if (isOpaque(inner)) {
                found.add(path);
            }
        }
    }

    private boolean isOpaque(int type) {
        int target = type;
        boolean pointer = false;
        while (btf.type(target) instanceof BtfType.Ptr p) {
            target = btf.resolved(p.target());
            pointer = true;
        }
        BtfKind kind = btf.kind(target);
        return pointer && (kind == BtfKind.VOID || kind == BtfKind.FWD);
    }
}
