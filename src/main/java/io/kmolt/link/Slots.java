package io.kmolt.link;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.WordPair;
import io.kmolt.diff.Words;
import io.kmolt.elf.Elf;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Finds the words of the base's tables that are to hold something else while the new build answers: each function
 * pointer, so that the kernel calls the new code directly, and each constant that differs.
 *
 * <p>Tables in writable memory are written only where they still hold what the file says, and not at all if they are
 * linked into a list: the kernel compares the function pointers of a queued work item with those of a running one.
 */
final class Slots {
    private static final int WORD = 8;

    private final Layer base;
    private final KernelModule edition;
    private final Sharing sharing;
    private final List<Refusal> refusals;
    private final List<Slot> slots = new ArrayList<>();

    private Slots(LinkInput input, Sharing sharing, List<Refusal> refusals) {
        this.base = input.base();
        this.edition = input.edition();
        this.sharing = sharing;
        this.refusals = refusals;
    }

    static List<Slot> find(LinkInput input, Sharing sharing, List<Refusal> refusals) {
        Slots finder = new Slots(input, sharing, refusals);
        finder.base.comparison().words().forEach(finder::addAll);
        finder.slots.sort(Comparator.comparingLong(Slot::address));
        return finder.slots;
    }

    private void addAll(Item item, List<WordPair> words) {
        Item old = base.comparison().correlation().oldOf(item);
        boolean table = item.kind() == SectionKind.DEFINITION || item.kind() == SectionKind.STATE;
        if (old == null || !table || sharing.address(item).isEmpty() || Words.isTraceItem(item)) {
            return;
        }
        boolean writable = item.kind() == SectionKind.STATE;
        if (writable && isLinked(item)) {
            return;
        }
        for (WordPair word : words) {
            boolean code = isFunction(word.newReference());
            boolean changed = !word.same() && (!writable || Words.isCode(word));
            if (code || changed) {
                add(item, old, word, writable);
            }
        }
    }

    private void add(Item item, Item old, WordPair word, boolean writable) {
        long address = base.address(old) + word.offset();
        OptionalLong was =
                word.oldReference() == null ? OptionalLong.of(word.oldValue()) : baseAddress(word.oldReference());
        boolean whole = word.width() == WORD
                && address % WORD == 0
                && (word.newReference() == null || isAbsolute64(word.newReference()));
        if (!whole || was.isEmpty()) {
            refusals.add(new Refusal(
                    Refusal.Kind.DOUBTFUL_REFERENCE,
                    item.name(),
                    "its word at offset %d changes, and cannot be written as a whole".formatted(word.offset())));
            return;
        }
        slots.add(new Slot(address, was.getAsLong(), word.newReference(), word.newValue(), writable));
    }

    private static boolean isAbsolute64(Reference reference) {
        return reference.relocation() != null && reference.relocation().type() == Elf.R_X86_64_64;
    }

    private boolean isLinked(Item item) {
        return edition.references(item).stream()
                .anyMatch(r ->
                        r.referent() instanceof Referent.InItem in && in.item().equals(item));
    }

    private static boolean isFunction(@Nullable Reference reference) {
        return reference != null
                && reference.referent() instanceof Referent.InItem in
                && in.item().function()
                && in.item().kind().isCode();
    }

    /** What a word of the base holds; empty if the kernel must be asked for a symbol of another module. */
    private OptionalLong baseAddress(Reference reference) {
        return switch (reference.referent()) {
            case Referent.InItem in -> OptionalLong.of(base.address(in.item()) + in.delta());
            case Referent.Literal literal -> OptionalLong.of(base.address(literal.section(), literal.offset()));
            case Referent.Anonymous place -> OptionalLong.of(base.address(place.section(), place.offset()));
            case Referent.Absolute absolute -> OptionalLong.of(absolute.value());
            case Referent.Import _ -> OptionalLong.empty();
        };
    }
}
