package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.WordPair;
import io.kmolt.diff.Words;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.LandingPads;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
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
    private final Redirects redirects;
    private final Set<Item> blocking;
    private final Set<Item> oneAddress;
    private final LandingPads editionPads;
    private final List<Slot> slots = new ArrayList<>();

    private Slots(LinkInput input, Sharing sharing, Redirects redirects, Set<Item> blocking, List<Refusal> refusals) {
        this.base = input.base();
        this.edition = input.edition();
        this.sharing = sharing;
        this.redirects = redirects;
        this.blocking = blocking;
        this.refusals = refusals;
        this.editionPads = LandingPads.of(edition);
        this.oneAddress = functionsWithOneAddress();
    }

    /**
     * Functions of the base that must have the same address everywhere, so that tables go on holding it and the redirect
     * does the rest: code takes the address, or other modules can, and either may compare it with what stands in a table.
     *
     * <p>Not those that cannot be called through a pointer: nobody has their address, so the new build's is the first one.
     */
    private Set<Item> functionsWithOneAddress() {
        Comparison comparison = base.comparison();
        Set<Item> functions = new HashSet<>(takenByCode(comparison.oldModule()));
        for (Item function : takenByCode(edition)) {
            Item old = comparison.correlation().oldOf(function);
            if (old != null) {
                functions.add(old);
            }
        }
        comparison.oldModule().functions().stream()
                .filter(f -> comparison.exported().contains(f.name()))
                .forEach(functions::add);
        LandingPads pads = LandingPads.of(comparison.oldModule());
        functions.removeIf(f -> !pads.has(f));
        return functions;
    }

    private static Set<Item> takenByCode(KernelModule module) {
        Set<Item> taken = new HashSet<>();
        for (Item holder : module.items()) {
            if (holder.function()) {
                for (Reference reference : module.references(holder)) {
                    if (reference.use() == Reference.Use.ADDRESS
                            && reference.referent() instanceof Referent.InItem in
                            && in.item().function()) {
                        taken.add(in.item());
                    }
                }
            }
        }
        return taken;
    }

    static List<Slot> find(
            LinkInput input, Sharing sharing, Redirects redirects, Set<Item> blocking, List<Refusal> refusals) {
        Slots finder = new Slots(input, sharing, redirects, blocking, refusals);
        finder.base.comparison().words().forEach(finder::addAll);
        finder.slots.sort(Comparator.comparingLong(Slot::address));
        return finder.slots;
    }

    private void addAll(Item item, List<WordPair> words) {
        Item old = base.comparison().correlation().oldOf(item);
        boolean table = item.kind() == SectionKind.DEFINITION || item.kind() == SectionKind.STATE;
        if (old == null || !table || sharing.address(item).isEmpty() || isLeftAlone(item)) {
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

    /** What trace events have registered; and keys of static calls, whose sites would not follow. */
    private boolean isLeftAlone(Item item) {
        return Words.isTraceItem(edition, item) || item.name().startsWith("__SCK__");
    }

    private void add(Item item, Item old, WordPair word, boolean writable) {
        long address = base.address(old) + word.offset();
        String baseImport = importOf(word.oldReference());
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
        OptionalLong everywhere = oneAddress(word.newReference());
        if (everywhere.isEmpty() && isFunction(word.newReference()) && !canLand(word.newReference())) {
            refusals.add(
                    new Refusal(
                            Refusal.Kind.INDIRECT_CALL,
                            item.name(),
                            "names a function that the processor lets nobody call through a pointer: it does not begin with ENDBR64"));
        } else if (everywhere.isEmpty()) {
            slots.add(
                    new Slot(address, baseImport, was.getAsLong(), word.newReference(), 0, word.newValue(), writable));
        } else if (!baseImport.isEmpty() || everywhere.getAsLong() != was.getAsLong()) {
            slots.add(new Slot(address, baseImport, was.getAsLong(), null, 0, everywhere.getAsLong(), writable));
        }
    }

    private boolean canLand(@Nullable Reference reference) {
        return reference != null && reference.referent() instanceof Referent.InItem in && editionPads.has(in.item());
    }

    private OptionalLong oneAddress(@Nullable Reference reference) {
        if (reference == null || !(reference.referent() instanceof Referent.InItem in) || in.delta() != 0) {
            return OptionalLong.empty();
        }
        Item old = base.comparison().correlation().oldOf(in.item());
        if (old == null || !oneAddress.contains(old)) {
            return OptionalLong.empty();
        }
        if (!redirects.covers(old) && blocking.contains(old)) {
            refusals.add(new Refusal(
                    Refusal.Kind.STALE_POINTER,
                    old.name(),
                    "changes, and must keep its address, which code may compare; but calls cannot be redirected"
                            + base.heldBy(old)));
        }
        return OptionalLong.of(base.address(old));
    }

    private static boolean isAbsolute64(Reference reference) {
        return reference.relocation() != null && reference.relocation().type() == Elf.R_X86_64_64;
    }

    private static OptionalLong addend(Reference reference) {
        ElfRelocation relocation = reference.relocation();
        return relocation != null && relocation.type() == Elf.R_X86_64_64
                ? OptionalLong.of(relocation.addend())
                : OptionalLong.empty();
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

    /** The symbol outside of the module that a word refers to; empty if it does not. */
    private static String importOf(@Nullable Reference reference) {
        return reference != null && reference.referent() instanceof Referent.Import(String name) ? name : "";
    }

    /** What a word of the base holds; of an import the distance, as the loader knows the address. */
    private OptionalLong baseAddress(Reference reference) {
        return switch (reference.referent()) {
            case Referent.InItem in -> OptionalLong.of(base.address(in.item()) + in.delta());
            case Referent.Literal literal -> OptionalLong.of(base.address(literal.section(), literal.offset()));
            case Referent.Anonymous place -> OptionalLong.of(base.address(place.section(), place.offset()));
            case Referent.Absolute absolute -> OptionalLong.of(absolute.value());
            case Referent.Import _ -> addend(reference);
        };
    }
}
