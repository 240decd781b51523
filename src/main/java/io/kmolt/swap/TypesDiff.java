package io.kmolt.swap;

import io.kmolt.btf.LayoutDifference;
import io.kmolt.diff.BtfTypes;
import io.kmolt.diff.Types;
import java.util.List;
import java.util.Optional;

/**
 * Where the types of two builds differ, and what cannot be told of them.
 *
 * @param compared whether they could be compared
 * @param problem why not; empty if they could
 * @param differences where they differ, by type and member
 * @param unseen members of the new build's types behind which there is something that types do not tell of: a
 *     {@code void *}, or a pointer to what is declared only
 */
public record TypesDiff(boolean compared, String problem, List<Difference> differences, List<String> unseen) {

    /**
     * One way in which a type differs.
     *
     * @param type the type, as {@code struct foo}
     * @param member the member's path in it, or an enumerator's name; empty if it is about the type as a whole
     * @param kind what differs
     * @param before where and what it was, if it was
     * @param now where and what it is, if it is
     * @param uncertain whether it is not certain that the two types are one, as several have that name
     * @param harmless whether no object can have been written in another way for it
     */
    public record Difference(
            String type,
            String member,
            LayoutDifference.Kind kind,
            Optional<LayoutDifference.Place> before,
            Optional<LayoutDifference.Place> now,
            boolean uncertain,
            boolean harmless) {

        static Difference of(LayoutDifference d) {
            return new Difference(
                    d.type(), d.member(), d.kind(), d.was(), d.now(), d.ambiguous(), BtfTypes.isHarmless(d));
        }
    }

    static TypesDiff of(Types types) {
        return new TypesDiff(
                types.unknown().isEmpty(),
                types.unknown().orElse(""),
                types.differences().stream().map(Difference::of).toList(),
                types.unseen());
    }
}
