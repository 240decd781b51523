package io.kmolt.btf;

import java.util.Optional;

/**
 * One way in which a type of one build is not what it is in the other.
 *
 * @param type whose difference it is, as {@code struct foo}, {@code enum bar}, {@code typedef baz_t}; a structure
 *     without any name is listed as {@code struct {first, second, …}} with its members
 * @param member the path of the member in C notation ({@code a.b}, {@code a[].b}; {@code p->x} lies behind a pointer to
 *     a structure without a name), or the name of the enumerator, or {@code ""} when it is about the type as a whole
 * @param kind what differs
 * @param was where and what it was; absent for something added
 * @param now where and what it is; absent for something removed
 * @param ambiguous whether the two types were paired only for want of a better match, because several of that name exist
 */
public record LayoutDifference(
        String type, String member, Kind kind, Optional<Place> was, Optional<Place> now, boolean ambiguous) {

    /** What differs. */
    public enum Kind {
        /** The type as a whole takes more or fewer bytes. */
        SIZE,
        /** The new build has a member that the old one has not. */
        ADDED,
        /** The old build has a member that the new one has not. */
        REMOVED,
        /** Another name at the same place, with the same type: a new name, or a new meaning. */
        RENAMED,
        /** A member begins elsewhere. */
        MOVED,
        /** A member takes more or fewer bits. */
        RESIZED,
        /** Another type of the same size, or another kind of type under the same name. */
        RETYPED,
        /** An enumerator has another value. */
        ENUMERATOR_VALUE,
        /** The new build has an enumerator that the old one has not. */
        ENUMERATOR_ADDED,
        /** The old build has an enumerator that the new one has not. */
        ENUMERATOR_REMOVED
    }

    /**
     * A member in one of the builds.
     *
     * @param bitOffset from the start of {@link LayoutDifference#type}, in bits
     * @param bitSize in bits
     * @param text the type as C writes it; of an enumerator, its value; of a renamed member, its name
     */
    public record Place(long bitOffset, long bitSize, String text) {}

    /** The difference in one line, such as {@code struct foo: member bar: offset 120 → 128 bytes}. */
    public String describe() {
        String subject = switch (kind) {
            case ENUMERATOR_VALUE, ENUMERATOR_ADDED, ENUMERATOR_REMOVED ->
                "%s: enumerator %s: ".formatted(type, member);
            default -> member.isEmpty() ? type + ": " : "%s: member %s: ".formatted(type, member);
        };
        return subject + change() + (ambiguous ? " (uncertain: the nearest of several candidates)" : "");
    }

    private String change() {
        Place old = was.orElse(NOWHERE);
        Place place = now.orElse(NOWHERE);
        return switch (kind) {
            case SIZE -> "size " + fromTo(old.bitSize, place.bitSize);
            case ADDED -> "added at %s, %s".formatted(amount(place.bitOffset), typed(place));
            case REMOVED -> "removed from %s, %s".formatted(amount(old.bitOffset), typed(old));
            case RENAMED -> "renamed to %s?".formatted(place.text);
            case MOVED -> "offset " + fromTo(old.bitOffset, place.bitOffset);
            case RESIZED -> "%ssize %s".formatted(retyped(old, place, ", "), fromTo(old.bitSize, place.bitSize));
            case RETYPED -> {
                String types = retyped(old, place, "");
                yield types.isEmpty() ? "another %s".formatted(old.text) : types;
            }
            case ENUMERATOR_VALUE -> "%s → %s".formatted(old.text, place.text);
            case ENUMERATOR_ADDED -> "added with value %s".formatted(place.text);
            case ENUMERATOR_REMOVED -> "removed; its value was %s".formatted(old.text);
        };
    }

    private static final Place NOWHERE = new Place(0, 0, "");
    private static final int BYTE = 8;

    private static String retyped(Place old, Place place, String tail) {
        return old.text.equals(place.text) ? "" : "type %s → %s%s".formatted(old.text, place.text, tail);
    }

    private static String typed(Place place) {
        return "%s (%s)".formatted(place.text, amount(place.bitSize));
    }

    private static String fromTo(long old, long now) {
        return old % BYTE == 0 && now % BYTE == 0
                ? "%d → %d bytes".formatted(old / BYTE, now / BYTE)
                : "%d → %d bits".formatted(old, now);
    }

    private static String amount(long bits) {
        if (bits % BYTE != 0) {
            return bits + (bits == 1 ? " bit" : " bits");
        }
        return bits / BYTE + (bits == BYTE ? " byte" : " bytes");
    }
}
