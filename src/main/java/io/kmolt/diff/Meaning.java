package io.kmolt.diff;

import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Whether a reference of one build means the same as one of the other.
 *
 * <p>Of what has an identity (functions, variables, tables that name either) it must be the matching one. Of what has none
 * it must be one with equal contents: literals and constants, what only load-time code uses, entries of tables for
 * debugging, and places that no symbol names, up to the next place that somebody refers to.
 *
 * <p>Bound: what is compared by contents is compared again for every reference to it, and what it refers to with it; a pair
 * that is being compared already counts as equal, so that cycles end.
 */
final class Meaning {
    /** {@code struct _ddebug} has 18 bits of line number. */
    private static final String DEBUG_PRINTS = "__dyndbg";

    private static final int DEBUG_LINE = 32;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final KernelTies ties;
    private final CodeNotes oldNotes;
    private final CodeNotes newNotes;
    private final Places oldPlaces;
    private final Places newPlaces;
    private final Correlation correlation;
    private final Predicate<Item> changed;
    private final Set<Pair> open = new HashSet<>();

    private record Pair(int oldSection, long oldPlace, int newSection, long newPlace) {}

    /**
     * Prepares.
     *
     * @param changed whether an object of the old build is known to have other contents in the new one
     */
    Meaning(
            KernelModule oldModule,
            KernelModule newModule,
            CodeNotes oldNotes,
            CodeNotes newNotes,
            KernelTies ties,
            Correlation correlation,
            Predicate<Item> changed) {
        this.oldModule = oldModule;
        this.newModule = newModule;
        this.ties = ties;
        this.oldNotes = oldNotes;
        this.newNotes = newNotes;
        this.oldPlaces = new Places(oldModule, ties);
        this.newPlaces = new Places(newModule, ties);
        this.correlation = correlation;
        this.changed = changed;
    }

    Places oldPlaces() {
        return oldPlaces;
    }

    Places newPlaces() {
        return newPlaces;
    }

    boolean same(List<Reference> olds, List<Reference> news) {
        for (int i = 0; i < olds.size(); i++) {
            if (!same(olds.get(i), news.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** For notes that match each other. */
    boolean sameNotes(List<CodeNote> olds, List<CodeNote> news) {
        for (int i = 0; i < olds.size(); i++) {
            if (!same(olds.get(i).references(), news.get(i).references())) {
                return false;
            }
        }
        return true;
    }

    boolean same(Reference o, Reference n) {
        return switch (o.referent()) {
            case Referent.InItem a when n.referent() instanceof Referent.InItem b -> same(a, b);
            case Referent.Literal a
            when n.referent() instanceof Referent.Literal b ->
                ties.text(oldModule, a.text()).equals(ties.text(newModule, b.text()));
            case Referent.Anonymous a when n.referent() instanceof Referent.Anonymous b -> same(a, b);
            case Referent.Import a when n.referent() instanceof Referent.Import b -> same(a, o, b, n);
            default -> o.referent().equals(n.referent());
        };
    }

    private boolean same(Referent.InItem a, Referent.InItem b) {
        if (a.delta() != b.delta() || !same(a.item(), b.item())) {
            return false;
        }
        // Behind what is named: nothing says that it belongs to it.
        return a.delta() < Math.max(1, a.item().size())
                || a.delta() == a.item().size()
                || samePlace(
                        a.item().section(),
                        a.item().offset() + a.delta(),
                        b.item().section(),
                        b.item().offset() + b.delta());
    }

    /** A weak symbol may be missing; a strong one may not. */
    private boolean same(Referent.Import a, Reference o, Referent.Import b, Reference n) {
        return a.name().equals(b.name())
                && o.relocation() != null
                && n.relocation() != null
                && o.relocation().addend() == n.relocation().addend()
                && symbol(oldModule, o).isWeak() == symbol(newModule, n).isWeak();
    }

    private static ElfSymbol symbol(KernelModule module, Reference reference) {
        return module.elf()
                .symbols()
                .get(Objects.requireNonNull(reference.relocation()).symbol());
    }

    private boolean same(Referent.Anonymous a, Referent.Anonymous b) {
        return a.kind() == b.kind()
                && (a.kind() == SectionKind.CONSTANTS
                        ? sameConstant(a, b)
                        : samePlace(a.section(), a.offset(), b.section(), b.offset()));
    }

    /** A merged constant is what it is, wherever it has been merged to. */
    private boolean sameConstant(Referent.Anonymous a, Referent.Anonymous b) {
        ElfSection oldSection = oldModule.elf().sections().get(a.section());
        ElfSection newSection = newModule.elf().sections().get(b.section());
        long size = oldSection.entsize();
        if (size <= 0 || size != newSection.entsize() || a.offset() % size != b.offset() % size) {
            return false;
        }
        long inside = a.offset() % size;
        long x = a.offset() - inside;
        long y = b.offset() - inside;
        return x >= 0
                && y >= 0
                && x + size <= oldSection.size()
                && y + size <= newSection.size()
                && sameBytes(a.section(), x, b.section(), y, size);
    }

    /** Whether what stands at two places that no symbol names is the same, up to the next place that is referred to. */
    private boolean samePlace(int oldSection, long oldPlace, int newSection, long newPlace) {
        String name = oldModule.elf().sections().get(oldSection).name();
        if (!name.equals(newModule.elf().sections().get(newSection).name())) {
            return false;
        }
        long size = oldPlaces.size(oldSection, oldPlace);
        return size == newPlaces.size(newSection, newPlace)
                && (size == 0
                        ? sameNext(oldSection, oldPlace, newSection, newPlace)
                        : sameBytes(oldSection, oldPlace, newSection, newPlace, size));
    }

    /** Where nothing but padding follows, it is what comes next that is meant: an access that counts from before it. */
    private boolean sameNext(int oldSection, long oldPlace, int newSection, long newPlace) {
        Item oldNext = oldModule.after(oldSection, oldPlace);
        Item newNext = newModule.after(newSection, newPlace);
        if (oldNext == null || newNext == null) {
            return oldNext == null && newNext == null;
        }
        return oldNext.offset() - oldPlace == newNext.offset() - newPlace && same(oldNext, newNext);
    }

    boolean same(Item oldItem, Item newItem) {
        if (correlation.matched(oldItem, newItem) || areOnePlace(correlation.newOf(oldItem), newItem)) {
            return !changed.test(oldItem);
        }
        boolean free = correlation.isOpen(oldItem, newItem) && oldItem.function() == newItem.function();
        if (!free || !oldItem.stem().equals(newItem.stem()) || oldItem.kind() != newItem.kind()) {
            return false;
        }
        return switch (oldItem.kind()) {
            case DEFINITION -> !Words.isTable(oldModule, oldItem) && sameContents(oldItem, newItem);
            case INIT_DATA, METADATA, REGISTRATION -> sameContents(oldItem, newItem);
            default -> false;
        };
    }

    /** Two names of one thing. */
    private static boolean areOnePlace(@Nullable Item a, Item b) {
        return a != null
                && a.section() == b.section()
                && a.offset() == b.offset()
                && a.size() == b.size()
                && a.function() == b.function();
    }

    /** Whether two objects hold the same, numbers and references. */
    boolean sameContents(Item oldItem, Item newItem) {
        return oldItem.size() == newItem.size()
                && sameBytes(oldItem.section(), oldItem.offset(), newItem.section(), newItem.offset(), oldItem.size());
    }

    /** Whether two pieces of one size hold the same: bytes, references, and what tables say about them. */
    boolean sameBytes(int oldSection, long oldPlace, int newSection, long newPlace, long size) {
        Pair pair = new Pair(oldSection, oldPlace, newSection, newPlace);
        if (!open.add(pair)) {
            return true;
        }
        try {
            List<Reference> olds = oldPlaces.references(oldSection, oldPlace, size);
            List<Reference> news = newPlaces.references(newSection, newPlace, size);
            byte[] oldBytes = oldPlaces.bytes(oldSection, oldPlace, size);
            byte[] newBytes = newPlaces.bytes(newSection, newPlace, size);
            if (oldModule.elf().sections().get(oldSection).name().equals(DEBUG_PRINTS)) {
                return sameDebugPrint(olds, oldBytes, news, newBytes);
            }
            List<CodeNote> notes = oldNotes.between(oldSection, oldPlace, oldPlace + size);
            List<CodeNote> others = newNotes.between(newSection, newPlace, newPlace + size);
            return Arrays.equals(oldBytes, newBytes)
                    && Shape.samePlaces(olds, news)
                    && same(olds, news)
                    && Shape.sameNotes(notes, others)
                    && sameNotes(notes, others);
        } finally {
            open.remove(pair);
        }
    }

    /** Where in its source file a print stands does not count. */
    private boolean sameDebugPrint(List<Reference> olds, byte[] oldBytes, List<Reference> news, byte[] newBytes) {
        clearLine(oldBytes);
        clearLine(newBytes);
        return Arrays.equals(oldBytes, newBytes) && Shape.samePlaces(olds, news) && same(olds, news);
    }

    private static void clearLine(byte[] print) {
        if (print.length >= DEBUG_LINE + 3) {
            print[DEBUG_LINE] = 0;
            print[DEBUG_LINE + 1] = 0;
            print[DEBUG_LINE + 2] &= (byte) 0xfc;
        }
    }
}
