package io.kmolt.diff;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.Reference;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a variable, or of a constant object.
 *
 * @param name its name in the new build, or in the old one if it is gone
 * @param kind what the section that it is in is for
 * @param state what became of it
 * @param oldSize its size in bytes in the old build, 0 if it is new
 * @param newSize its size in the new build, 0 if it is gone
 * @param offset where the first difference in it is, in bytes; -1 if it is in no one place
 * @param text the difference, for people
 */
public record DataChange(
        String name, SectionKind kind, State state, long oldSize, long newSize, long offset, String text) {

    /** What can become of an object. */
    public enum State {
        /** It has another size. */
        RESIZED,
        /** A variable begins with another value. */
        INITIAL_VALUE,
        /** A constant object, such as a table, has other contents; or a variable names other functions. */
        CONTENTS,
        NEW,
        GONE
    }

    /** All objects that are not the same in both builds, by name. */
    public static List<DataChange> of(Comparison comparison) {
        List<DataChange> changes = new ArrayList<>();
        comparison.objects().forEach((item, change) -> {
            if (change == Change.GONE) {
                changes.add(new DataChange(item.name(), item.kind(), State.GONE, item.size(), 0, -1, size(item)));
            } else if (change == Change.CHANGED) {
                Item continued = comparison.correlation().newOf(item);
                if (continued != null) {
                    changes.add(changed(comparison, item, continued));
                }
            }
        });
        for (Item item : comparison.newObjects()) {
            changes.add(new DataChange(item.name(), item.kind(), State.NEW, 0, item.size(), -1, size(item)));
        }
        changes.sort(Comparator.comparing(DataChange::name).thenComparing(DataChange::state));
        return List.copyOf(changes);
    }

    private static String size(Item item) {
        return bytes(item.size());
    }

    private static String bytes(long size) {
        return size + (size == 1 ? " byte" : " bytes");
    }

    private static DataChange changed(Comparison comparison, Item oldItem, Item newItem) {
        long before = oldItem.size();
        long now = newItem.size();
        if (before != now) {
            String sizes = "%d → %s".formatted(before, bytes(now));
            return new DataChange(newItem.name(), newItem.kind(), State.RESIZED, before, now, -1, sizes);
        }
        List<WordPair> different = comparison.words().getOrDefault(newItem, List.of()).stream()
                .filter(word -> !word.same())
                .sorted(Comparator.comparingLong(WordPair::offset))
                .toList();
        boolean value = Rules.isState(newItem) && different.stream().anyMatch(word -> !Words.isCode(word));
        WordPair first = narrowed(different.stream()
                .filter(word -> !value || !Words.isCode(word))
                .findFirst()
                .orElseThrow());
        String oldWord = word(first.oldReference(), first.oldValue(), first.width());
        String newWord = word(first.newReference(), first.newValue(), first.width());
        String text = (oldWord.equals(newWord) ? "perhaps another " + newWord : oldWord + " → " + newWord)
                + (now > first.width() ? " at offset " + first.offset() : "")
                + (different.size() > 1 ? ", and %d more".formatted(different.size() - 1) : "");
        State state = value ? State.INITIAL_VALUE : State.CONTENTS;
        return new DataChange(newItem.name(), newItem.kind(), state, before, now, first.offset(), text);
    }

    /** The half of a word that differs, if the other does not. */
    private static WordPair narrowed(WordPair word) {
        long differs = word.oldValue() ^ word.newValue();
        if (word.width() != Long.BYTES || word.oldReference() != null || word.newReference() != null) {
            return word;
        }
        if (differs >>> Integer.SIZE == 0) {
            return new WordPair(
                    word.offset(), Integer.BYTES, null, null, word.oldValue(), word.newValue(), word.same());
        }
        return (int) differs != 0
                ? word
                : new WordPair(
                        word.offset() + Integer.BYTES,
                        Integer.BYTES,
                        null,
                        null,
                        word.oldValue() >>> Integer.SIZE,
                        word.newValue() >>> Integer.SIZE,
                        word.same());
    }

    /** Small numbers are counts, others may be flags or text. */
    private static String word(@Nullable Reference reference, long value, int width) {
        if (reference != null) {
            return CodeText.of(reference);
        }
        long masked = width >= Long.BYTES ? value : value & ((1L << (8 * width)) - 1);
        return masked >= 0 && masked < 100_000 ? Long.toString(masked) : "0x%x".formatted(masked);
    }
}
