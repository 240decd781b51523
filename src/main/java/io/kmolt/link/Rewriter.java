package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Place;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Words;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.LandingPads;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the new build's references mean what is in the kernel already.
 *
 * <p>References to shared objects and to equal strings become absolute. A function whose address code takes is the
 * base's, so that no object in the kernel ever points to an edition on its account; calls stay within the new build.
 *
 * <p>Where the assembler has left it open which object a place belongs to, every reading must lead to the same address,
 * or the same place in the old build must say it; else the update is refused.
 */
final class Rewriter {
    private final LinkInput input;
    private final KernelModule edition;
    private final Comparison comparison;
    private final Sharing sharing;
    private final Redirects redirects;
    private final LandingPads basePads;
    private final Set<Item> unsafeOldFunctions;
    private final ElfEditor editor;
    private final List<Refusal> refusals;
    private final Map<Long, Integer> absolutes = new HashMap<>();
    private final Set<String> sticky = new TreeSet<>();

    Rewriter(
            LinkInput input,
            Sharing sharing,
            Redirects redirects,
            Set<Item> unsafeOldFunctions,
            ElfEditor editor,
            List<Refusal> refusals) {
        this.input = input;
        this.edition = input.edition();
        this.comparison = input.base().comparison();
        this.sharing = sharing;
        this.redirects = redirects;
        this.basePads = LandingPads.of(comparison.oldModule());
        this.unsafeOldFunctions = unsafeOldFunctions;
        this.editor = editor;
        this.refusals = refusals;
    }

    /** Why objects in the kernel may come to point into the update; empty if they cannot. */
    List<String> sticky() {
        return List.copyOf(sticky);
    }

    void rewriteAll() {
        for (ElfSection section : edition.elf().sections()) {
            if (isRewritten(edition.kind(section.index()))) {
                rewrite(section.index());
            }
        }
    }

    private static boolean isRewritten(SectionKind kind) {
        return switch (kind) {
            case TEXT, INIT_TEXT, EXIT_TEXT, STATE, PERCPU, DEFINITION, METADATA, INIT_DATA -> true;
            default -> false;
        };
    }

    private void rewrite(int section) {
        Map<Long, Reference> references = new HashMap<>();
        for (Reference reference : edition.references(section)) {
            references.put(reference.offset(), reference);
            if (reference.relocation() == null) {
                checkResolved(reference);
            }
        }
        List<ElfRelocation> rewritten = new ArrayList<>();
        boolean any = false;
        for (ElfRelocation relocation : edition.elf().relocations(section)) {
            Reference reference = references.get(relocation.offset());
            ElfRelocation result = reference == null ? relocation : rewrite(section, reference, relocation);
            rewritten.add(result);
            any |= !result.equals(relocation);
        }
        if (any) {
            editor.setRelocations(section, rewritten);
        }
    }

    /** An address that code takes without a relocation cannot be made the base's. */
    private void checkResolved(Reference reference) {
        if (reference.use() == Reference.Use.ADDRESS && reference.referent() instanceof Referent.InItem in) {
            sticky.add("the address of " + in.item().name() + " is taken relative to the code");
        }
    }

    /** The relocation for a word of one of the base's slots. */
    ElfRelocation forSlot(long offset, Reference reference, ElfRelocation relocation) {
        ElfRelocation plain = relocation;
        if (!(reference.referent() instanceof Referent.InItem in && in.item().function())) {
            plain = rewrite(-1, reference, relocation);
        }
        return new ElfRelocation(offset, plain.type(), plain.symbol(), plain.addend());
    }

    private ElfRelocation rewrite(int section, Reference reference, ElfRelocation relocation) {
        SectionKind holder = section < 0 ? SectionKind.DEFINITION : edition.kind(section);
        ownHolder(section, relocation.offset()).ifPresent(own -> loadable(own, section, reference));
        return switch (reference.referent()) {
            case Referent.InItem(Item item, long delta)
            when item.function() -> function(holder, reference, relocation, item, delta);
            case Referent.InItem _, Referent.Anonymous _ -> object(section, holder, reference, relocation);
            case Referent.Literal(int home, long offset, String text) -> {
                OptionalLong address = sharing.literal(text);
                if (address.isEmpty() && isLive(holder)) {
                    sticky.add("it brings the new string \"" + abbreviated(text) + "\"");
                }
                yield address.isPresent() ? absolute(relocation, address.getAsLong(), offset) : relocation;
            }
            case Referent.Import _, Referent.Absolute _ -> relocation;
        };
    }

    private static String abbreviated(String text) {
        String printable = text.replaceAll("[^\\x20-\\x7e]", ".");
        return printable.length() <= 32 ? printable : printable.substring(0, 29) + "...";
    }

    /** Whether what it holds may get into objects of the kernel. */
    private static boolean isLive(SectionKind holder) {
        return holder == SectionKind.TEXT || holder == SectionKind.EXIT_TEXT;
    }

    /** The object at a place, if it is data that only the update has. */
    private Optional<Item> ownHolder(int section, long offset) {
        return Optional.ofNullable(section < 0 ? null : edition.at(section, offset))
                .filter(item -> item.kind().isData() && offset < item.end())
                .filter(item -> !Words.isHarmless(item) && sharing.address(item).isEmpty());
    }

    /**
     * What such an object names, code may load from it and hand out. The code's own reference to the object does not tell:
     * an index is enough to get at its words.
     */
    private void loadable(Item own, int section, Reference reference) {
        switch (reference.referent()) {
            case Referent.InItem(Item item, long delta)
            when item.function() -> {
                // Places within code are those that a jump table leads to, and nobody hands out.
                if (item.kind() == SectionKind.TEXT && delta == 0) {
                    sticky.add("its own %s names its function %s".formatted(own.name(), item.name()));
                }
            }
            case Referent.InItem(Item item, long delta)
            when sharing.address(item).isEmpty() -> {
                if (item.kind().isData() && item.size() > 0 && !Words.isHarmless(item)) {
                    sticky.add("its own %s names its own %s".formatted(own.name(), item.name()));
                }
            }
            case Referent.InItem _ -> handOut(section, reference);
            case Referent.Anonymous _ -> sticky.add("its own %s names nameless data".formatted(own.name()));
            case Referent.Literal(int home, long offset, String text) -> {
                if (sharing.literal(text).isEmpty()) {
                    sticky.add("its own %s names the new string \"%s\"".formatted(own.name(), abbreviated(text)));
                }
            }
            case Referent.Import _, Referent.Absolute _ -> {}
        }
    }

    private ElfRelocation function(
            SectionKind holder, Reference reference, ElfRelocation relocation, Item item, long delta) {
        if (item.kind() == SectionKind.STATIC_CALL_TEXT) {
            OptionalLong address = sharing.address(item);
            return holder == SectionKind.METADATA || address.isEmpty()
                    ? relocation
                    : absolute(relocation, address.getAsLong(), item.offset());
        }
        boolean taken = isLive(holder) && reference.use() == Reference.Use.ADDRESS && delta == 0;
        if (!taken || item.kind() != SectionKind.TEXT) {
            return relocation;
        }
        Item old = comparison.correlation().oldOf(item);
        if (old == null) {
            sticky.add("it takes the address of its new function " + item.name());
            return relocation;
        }
        if (!basePads.has(old)) {
            // Nobody took the base's address, and nobody could call it: the new build's is the first one.
            refuseIfAnEditionGaveAway(item);
            sticky.add("it takes the address of " + item.name() + ", which the loaded build does not");
            return relocation;
        }
        if (!redirects.covers(old)
                && unsafeOldFunctions.contains(old)
                && !Words.isTraceItem(comparison.oldModule(), old)) {
            refusals.add(new Refusal(
                    Refusal.Kind.STALE_POINTER,
                    item.name(),
                    "its address is stored by code, but the base's copy cannot be redirected to the new one"
                            + input.base().heldBy(old)));
        }
        return absolute(relocation, input.base().address(old), item.offset());
    }

    /** A pointer that an edition before has stored is another one, and may be compared with ours. */
    private void refuseIfAnEditionGaveAway(Item item) {
        for (Layer layer : input.layers().subList(1, input.layers().size())) {
            Item old = layer.comparison().correlation().oldOf(item);
            if (old != null && layer.comparison().escaping().contains(old)) {
                refusals.add(new Refusal(
                        Refusal.Kind.INDIRECT_CALL,
                        item.name(),
                        "its address is taken by code since %s, and the base's copy cannot be called through a pointer: revert %s first"
                                .formatted(
                                        layer.running().name(), layer.running().name())));
            }
        }
    }

    private ElfRelocation object(int section, SectionKind holder, Reference reference, ElfRelocation relocation) {
        OptionalLong known = reference.doubtful() ? resolveDoubt(section, reference, relocation) : certain(reference);
        if (known.isPresent()) {
            if (isLive(holder) && reference.use() == Reference.Use.ADDRESS) {
                handOut(section, reference);
            }
            long place = place(reference);
            return absolute(relocation, known.getAsLong(), place);
        }
        if (reference.referent() instanceof Referent.InItem in
                && isLive(holder)
                && reference.use() == Reference.Use.ADDRESS
                && in.item().kind().isData()
                && in.item().size() > 0
                && !Words.isHarmless(in.item())) {
            sticky.add("it takes the address of its own " + in.item().name());
        }
        return relocation;
    }

    /** Its address may get into objects of the kernel, which do not go when the update does: so must what it is in. */
    private void handOut(int section, Reference reference) {
        List<Item> items = reference.doubtful()
                ? candidates(section, reference)
                : reference.referent() instanceof Referent.InItem in ? List.of(in.item()) : List.of();
        for (Item item : items) {
            if (item.kind().isData() && !Words.isHarmless(item)) {
                sharing.edition(item)
                        .ifPresent(brought -> sticky.add(
                                "it takes the address of %s, which came with %s".formatted(item.name(), brought)));
            }
        }
    }

    private OptionalLong certain(Reference reference) {
        return reference.referent() instanceof Referent.InItem in
                ? shared(in.item(), in.delta())
                : OptionalLong.empty();
    }

    private OptionalLong shared(Item item, long delta) {
        OptionalLong address = sharing.address(item);
        return address.isPresent() ? OptionalLong.of(address.getAsLong() + delta) : address;
    }

    private static long place(Reference reference) {
        return switch (reference.referent()) {
            case Referent.InItem(Item item, long delta) -> item.offset() + delta;
            case Referent.Anonymous anonymous -> anonymous.offset();
            default -> throw new IllegalArgumentException(reference.toString());
        };
    }

    private static int home(Reference reference) {
        return switch (reference.referent()) {
            case Referent.InItem(Item item, long delta) -> item.section();
            case Referent.Anonymous anonymous -> anonymous.section();
            default -> throw new IllegalArgumentException(reference.toString());
        };
    }

    /** The address that every reading of a doubtful reference agrees on; empty for one in the update itself. */
    private OptionalLong resolveDoubt(int section, Reference reference, ElfRelocation relocation) {
        long place = place(reference);
        List<Item> candidates = candidates(section, reference);
        List<OptionalLong> readings = new ArrayList<>();
        for (Item candidate : candidates) {
            readings.add(shared(candidate, place - candidate.offset()));
        }
        if (readings.stream().distinct().count() <= 1) {
            return readings.isEmpty() ? OptionalLong.empty() : readings.getFirst();
        }
        List<OptionalLong> meant = oldAccesses(section, relocation.offset())
                .distinct()
                .filter(readings::contains)
                .toList();
        if (meant.size() == 1) {
            return meant.getFirst();
        }
        refusals.add(new Refusal(
                Refusal.Kind.DOUBTFUL_REFERENCE,
                holderName(section, relocation.offset()),
                "refers to a place between %s, which are apart in the loaded build"
                        .formatted(candidates.stream().map(Item::name).collect(Collectors.joining(" and ")))));
        return OptionalLong.empty();
    }

    /** What the same place of the old build refers to; if there is none, what its function accesses just as doubtfully. */
    private Stream<OptionalLong> oldAccesses(int section, long offset) {
        Reference same = comparison.counterparts().get(new Place(section, offset));
        if (same != null) {
            return Stream.of(same).filter(Rewriter::isInSection).map(this::oldAddress);
        }
        Item holder = section < 0 ? null : edition.at(section, offset);
        Item old = holder == null ? null : comparison.correlation().oldOf(holder);
        return old == null
                ? Stream.empty()
                : comparison.oldModule().references(old).stream()
                        .filter(r -> r.doubtful() && r.use() == Reference.Use.ACCESS && isInSection(r))
                        .map(this::oldAddress);
    }

    private static boolean isInSection(Reference reference) {
        return reference.referent() instanceof Referent.InItem || reference.referent() instanceof Referent.Anonymous;
    }

    private OptionalLong oldAddress(Reference old) {
        return OptionalLong.of(input.base().address(home(old), place(old)));
    }

    /**
     * Whose a doubtful place may be: of what covers it or ends there, and of what begins next where the place is only the
     * origin of an indexed access, or lies in a gap. The end of something is meant only by code that also refers to its
     * inside: a loop over a table.
     */
    private List<Item> candidates(int section, Reference reference) {
        int home = home(reference);
        long place = place(reference);
        Item at = edition.at(home, place);
        List<Item> candidates = new ArrayList<>();
        Item before = edition.before(home, place);
        boolean covered = at != null && place < at.end();
        if (before != null && (before.equals(at) || refersInside(section, reference.offset(), before))) {
            addIfSized(candidates, before);
        }
        addIfSized(candidates, at);
        if (reference.use() == Reference.Use.ACCESS || !covered) {
            addIfSized(candidates, edition.after(home, place));
        }
        return candidates.stream().distinct().toList();
    }

    private boolean refersInside(int section, long offset, Item item) {
        Item holder = section < 0 ? null : edition.at(section, offset);
        Item old = holder == null ? null : comparison.correlation().oldOf(holder);
        Item oldItem = comparison.correlation().oldOf(item);
        return holder == null
                || refersInside(edition, holder, item)
                || (old != null && oldItem != null && refersInside(comparison.oldModule(), old, oldItem));
    }

    private static boolean refersInside(KernelModule module, Item holder, Item item) {
        return module.references(holder).stream()
                .anyMatch(r -> r.referent() instanceof Referent.InItem(Item in, long delta)
                        && in.equals(item)
                        && delta < item.size());
    }

    private static void addIfSized(List<Item> items, @Nullable Item item) {
        if (item != null && item.size() > 0) {
            items.add(item);
        }
    }

    private String holderName(int section, long offset) {
        Item holder = section < 0 ? null : edition.at(section, offset);
        return holder == null ? "a table" : holder.name();
    }

    /** A relocation that means {@code address} where the original means {@code place} in its own section. */
    private ElfRelocation absolute(ElfRelocation relocation, long address, long place) {
        ElfSymbol symbol = edition.elf().symbols().get(relocation.symbol());
        // The distance to the end of the instruction is in the addend and stays there.
        long addend = symbol.value() + relocation.addend() - place;
        return relocation.withSymbol(symbolAt(address), addend);
    }

    private int symbolAt(long address) {
        return absolutes.computeIfAbsent(
                address,
                a -> editor.addSymbol("kmolt.%x".formatted(a), Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, a, 0));
    }

    /** Symbols of shared objects mean the shared ones, so that nothing can refer to the copies by name. */
    void makeSymbolsAbsolute() {
        for (Item item : sharing.items()) {
            if (item.kind() != SectionKind.STATIC_CALL_TEXT && item.kind() != SectionKind.THIS_MODULE) {
                editor.setSymbol(
                        item.symbol(),
                        editor.symbol(item.symbol())
                                .absoluteAt(sharing.address(item).orElseThrow()));
            }
        }
    }
}
