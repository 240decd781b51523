package io.kmolt.link;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Words;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Links a new build of a module onto the one that is in the kernel: from both files and where the loaded one is, to an
 * update module. A pure function of its input.
 */
public final class Linker {
    private final LinkInput input;
    private final KernelModule edition;
    private final List<Refusal> refusals = new ArrayList<>();

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
        Redirects redirects = new Redirects(input.base(), input.types());
        Set<Item> blocking = Quiescence.toCommit(input.base().comparison(), redirects::covers);
        checkStalePointers(redirects, blocking);

        // 4. Which words of the base's tables change. Before rewriting, as it looks at the original references.
        List<Slot> slots = Slots.find(input, sharing, refusals);

        // 5. The new build's references: to the running objects, to the base's functions where an address is stored.
        ElfEditor editor = new ElfEditor(edition.elf());
        Rewriter rewriter = new Rewriter(input, sharing, redirects, blocking, editor, refusals);
        rewriter.rewriteAll();
        rewriter.makeSymbolsAbsolute();

        // 6. Another module, which registers nothing.
        Neutraliser.renameRegistrations(edition, editor);
        Neutraliser.dropSharedPerCpu(edition, sharing, editor);
        Neutraliser.replaceInfo(input, editor);

        // 7. The change set, and the stubs that hand it to the core.
        Descriptor descriptor = new Descriptor(editor);
        Stubs stubs = Stubs.add(editor, descriptor.symbol(), ownModule(editor));
        Neutraliser.replaceModule(input, editor, stubs);
        Neutraliser.addVersions(input, editor, Stubs.IMPORTS);
        descriptor.write(
                input,
                slots,
                redirects.bySite(),
                ranges(blocking),
                Quiescence.toRevert(input.current().comparison()),
                rewriter,
                stubs);
        refuseIfAny();
        return new Update(
                input.name(),
                editor.build(),
                slots.size(),
                redirects.bySite().size(),
                sharing.items().size(),
                rewriter.sticky());
    }

    private void refuseIfAny() throws LinkException {
        if (!refusals.isEmpty()) {
            throw new LinkException(List.copyOf(new LinkedHashSet<>(refusals)));
        }
    }

    /** Whoever has a pointer to a function of the base must get to the new one, or it must not matter. */
    private void checkStalePointers(Redirects redirects, Set<Item> blocking) {
        var comparison = input.base().comparison();
        Set<Item> given = new HashSet<>(comparison.escaping());
        comparison.oldModule().functions().stream()
                .filter(f -> comparison.exported().contains(f.name()))
                .forEach(given::add);
        for (Item old : given) {
            if (blocking.contains(old) && !redirects.covers(old) && !Words.isTraceItem(old)) {
                String why = comparison.correlation().newOf(old) == null
                        ? "is gone in the new build, but pointers to it may be stored anywhere"
                        : "changes, and pointers to it may be stored anywhere, but calls cannot be redirected"
                                + input.types()
                                        .prototypeDifference(old.name())
                                        .map(d -> ": " + d)
                                        .orElse("");
                refusals.add(new Refusal(Refusal.Kind.STALE_POINTER, old.name(), why));
            }
        }
    }

    /** Addresses of all code in the kernel that must be empty to commit. */
    private List<long[]> ranges(Collection<Item> blockingInBase) {
        List<long[]> ranges = new ArrayList<>();
        add(ranges, input.base(), blockingInBase);
        for (Layer layer : input.layers().subList(1, input.layers().size())) {
            add(ranges, layer, Quiescence.toCommit(layer.comparison(), function -> false));
        }
        return ranges;
    }

    private static void add(List<long[]> ranges, Layer layer, Collection<Item> functions) {
        for (Item function : functions) {
            long start = layer.address(function);
            ranges.add(new long[] {start, start + function.size()});
        }
    }

    /** A symbol for the update's own struct module; the one in the file now means the base's. */
    private int ownModule(ElfEditor editor) {
        int section =
                edition.elf().section(".gnu.linkonce.this_module").orElseThrow().index();
        return editor.addSymbol("kmolt_this_module", Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, 0);
    }
}
