package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Words;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Links a new build of a module onto the one that is in the kernel: from both files and where the loaded one is, to an
 * update module. A pure function of its input.
 */
public final class Linker {
    private final LinkInput input;
    private final KernelModule edition;
    private final List<Refusal> refusals = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    private Linker(LinkInput input) {
        this.input = input;
        this.edition = input.edition();
    }

    /**
     * Links.
     *
     * @throws LinkException if the new build must not take over, with every reason
     * @throws ElfException if the file cannot be rewritten
     */
    public static Update link(LinkInput input) throws LinkException, ElfException {
        return new Linker(input).link();
    }

    private Update link() throws LinkException, ElfException {
        // 1. Every build that is in the kernel must agree that the new one may take over from it.
        input.layers().forEach(layer -> refusals.addAll(layer.comparison().refusals()));
        refuseIfAny();

        // 2. What is one and the same in the kernel and in the new build.
        Sharing sharing = new Sharing(input);

        // 3. Who sends its callers on, who cannot, and whether that is harmless.
        List<Redirects> redirects = input.layers().stream().map(Redirects::new).toList();
        Set<Item> blocking = Quiescence.toCommit(input.base(), redirects.getFirst()::covers);
        for (int i = 0; i < input.layers().size(); i++) {
            checkStalePointers(input.layers().get(i), redirects.get(i));
        }

        // 4. Which words of the base's tables change. Before rewriting, as it looks at the original references.
        List<Slot> slots = Slots.find(input, sharing, redirects.getFirst(), blocking, refusals);

        // 5. The new build's references: to the running objects, to the base's functions where an address is stored.
        ElfEditor editor = new ElfEditor(edition.elf());
        Rewriter rewriter = new Rewriter(input, sharing, redirects.getFirst(), blocking, editor, refusals);
        rewriter.rewriteAll();
        rewriter.makeSymbolsAbsolute();

        // 6. Another module, which registers nothing.
        Neutraliser.renameRegistrations(edition, editor);
        Neutraliser.dropSharedPerCpu(edition, sharing, editor);
        ModuleShell shell = new ModuleShell(edition.elf(), editor);
        Neutraliser.replaceInfo(input, shell);

        // 7. The change set, and the stubs that hand it to the core.
        Descriptor descriptor = new Descriptor(editor);
        Stubs stubs = Stubs.add(editor, descriptor.symbol(), shell.ownModule());
        shell.replaceModule(input.name(), input.core(), stubs.init(), stubs.exit());
        Neutraliser.addVersions(input, shell, Stubs.IMPORTS, slots);
        List<String> sticky = sticky(slots, rewriter);
        descriptor.write(
                input,
                slots,
                bySite(redirects),
                redirects.getLast().home(),
                ranges(redirects),
                Quiescence.toRevert(input.current(), redirects.getLast()::leadsHome),
                !sticky.isEmpty(),
                rewriter,
                stubs);
        refuseIfAny();
        return new Update(
                input.name(),
                editor.build(),
                slots.size(),
                bySite(redirects).size(),
                sharing.items().size(),
                notes.stream().distinct().toList(),
                sticky);
    }

    private void refuseIfAny() throws LinkException {
        if (!refusals.isEmpty()) {
            throw new LinkException(List.copyOf(new LinkedHashSet<>(refusals)));
        }
    }

    /**
     * Whoever has a pointer to a function of a layer must get to the new one, or it must not matter. Pointers in tables
     * are rewritten; of these, only copies that somebody made are left, which is worth a note.
     */
    private void checkStalePointers(Layer layer, Redirects redirects) {
        Comparison comparison = layer.comparison();
        Set<Item> blocking = Quiescence.toCommit(layer, redirects::covers);
        for (Item old : comparison.oldModule().functions()) {
            boolean escapes =
                    comparison.escaping().contains(old) || comparison.exported().contains(old.name());
            if (!blocking.contains(old) || redirects.covers(old) || Words.isTraceItem(comparison.oldModule(), old)) {
                continue;
            }
            if (escapes) {
                refusals.add(new Refusal(Refusal.Kind.STALE_POINTER, old.name(), whyStale(layer, old)));
            } else if (comparison.tabled().contains(old)) {
                notes.add(old.name() + " " + whyStale(layer, old));
            }
        }
    }

    private static String whyStale(Layer layer, Item old) {
        if (layer.isHeld(old)) {
            return "calls through kept pointers cannot be redirected" + layer.heldBy(old);
        }
        return layer.comparison().correlation().newOf(old) == null
                ? "is gone in the new build; whoever has kept a pointer to it goes on calling the old code"
                : "changes, but calls through kept pointers cannot be redirected"
                        + layer.types()
                                .prototypeDifference(old.name())
                                .map(d -> ": " + d)
                                .orElse("");
    }

    private static SortedMap<Long, Item> bySite(List<Redirects> redirects) {
        SortedMap<Long, Item> bySite = new TreeMap<>();
        redirects.forEach(r -> bySite.putAll(r.bySite()));
        return bySite;
    }

    private static List<String> sticky(List<Slot> slots, Rewriter rewriter) {
        List<String> sticky = new ArrayList<>(rewriter.sticky());
        if (slots.stream().anyMatch(s -> s.reference() != null)) {
            sticky.add("tables name its functions, and the kernel may have copied their addresses");
        }
        return sticky;
    }

    /** Addresses of all code in the kernel that must be empty to commit, sorted. */
    private List<long[]> ranges(List<Redirects> redirects) {
        List<long[]> ranges = new ArrayList<>();
        for (int i = 0; i < redirects.size(); i++) {
            Layer layer = input.layers().get(i);
            layer.held().code().forEach(code -> ranges.add(new long[] {code.start(), code.end()}));
            add(ranges, layer, Quiescence.toCommit(layer, redirects.get(i)::covers));
        }
        ranges.sort(Comparator.comparingLong(range -> range[0]));
        return ranges;
    }

    private static void add(List<long[]> ranges, Layer layer, Collection<Item> functions) {
        for (Item function : functions) {
            long start = layer.address(function);
            ranges.add(new long[] {start, start + function.size()});
        }
    }
}
