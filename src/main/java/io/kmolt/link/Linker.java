package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Correlation;
import io.kmolt.diff.LoadRules;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Words;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.module.Hooks;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.LandingPads;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

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

    /** Every reason that linking finds, beyond those of the comparisons. */
    static List<Refusal> refusals(LinkInput input) throws ElfException {
        Linker linker = new Linker(input);
        linker.checkLandingPads();
        try {
            linker.build();
            return List.of();
        } catch (LinkException e) {
            return e.refusals();
        }
    }

    private Update link() throws LinkException, ElfException {
        // 1. Every build that is in the kernel must agree that the new one may take over from it.
        input.layers().forEach(layer -> refusals.addAll(layer.comparison().refusals()));
        checkLandingPads();
        refuseIfAny();
        return build();
    }

    private Update build() throws LinkException, ElfException {
        // 2. What is one and the same in the kernel and in the new build.
        Sharing sharing = new Sharing(input);

        // 3. Who sends its callers on, who cannot, and whether that is harmless.
        List<Redirects> redirects = input.layers().stream().map(Redirects::new).toList();
        Set<Item> blocking = Quiescence.toCommit(input.base(), redirects.getFirst()::covers);
        for (int i = 0; i < input.layers().size(); i++) {
            checkStalePointers(input.layers().get(i), redirects.get(i));
        }

        // 4. Which words of the base's tables change. Before rewriting, as it looks at the original references.
        ElfEditor editor = new ElfEditor(edition.elf());
        JumpPads pads = new JumpPads(input, redirects.getFirst(), editor);
        List<Slot> slots = pads.lead(Slots.find(input, sharing, redirects.getFirst(), blocking, refusals));

        // 5. The new build's references: to the running objects, to the base's functions where an address is stored.
        Rewriter rewriter = new Rewriter(input, sharing, redirects.getFirst(), blocking, editor, refusals);
        rewriter.rewriteAll();
        rewriter.makeSymbolsAbsolute();

        // 6. Another module, which registers nothing.
        Neutraliser.renameRegistrations(edition, editor);
        Neutraliser.dropSharedPerCpu(edition, sharing, editor);
        ModuleShell shell = new ModuleShell(edition.elf(), editor);
        Neutraliser.replaceInfo(input, shell);

        pads.finish(edition.elf());

        // 7. The change set, and the stubs that hand it to the core.
        Descriptor descriptor = new Descriptor(editor);
        Stubs stubs = Stubs.add(editor, descriptor.symbol(), shell.ownModule());
        shell.replaceModule(input.name(), input.core(), stubs.init(), stubs.exit());
        Neutraliser.addVersions(input, shell, Stubs.IMPORTS, slots);
        List<String> sticky = sticky(slots, pads, rewriter);
        descriptor.write(
                input,
                slots,
                pads.jumps(),
                bySite(redirects),
                ranges(redirects),
                Way.of(input, sharing, redirects),
                !sticky.isEmpty(),
                hooks(),
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

    /** Without them, its exit and everything in its tables would be out of reach on a processor that looks for them. */
    private void checkLandingPads() {
        if (LandingPads.of(input.base().comparison().oldModule()).tracked()
                && !LandingPads.of(edition).tracked()) {
            refusals.add(new Refusal(
                    Refusal.Kind.INDIRECT_CALL,
                    edition.name(),
                    "the new build has no landing pads for indirect branches (ENDBR64), the loaded one has:"
                            + " build it with the kernel's own flags"));
        }
    }

    /**
     * The hooks that the core is to call: none unless init or exit differ from those of the build that answers, which has
     * done all else already.
     */
    private List<Item> hooks() {
        Hooks hooks = Hooks.of(edition);
        List<Refusal> differences = LoadRules.differences(input.current().comparison());
        if (!hooks.areComplete() || differences.isEmpty()) {
            return List.of();
        }
        String prepare = hooks.prepare().getFirst().name();
        differences.forEach(d -> notes.add(d + ": taken care of by prepare hook " + prepare));
        return List.of(hooks.prepare().getFirst(), hooks.unprepare().getFirst());
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

    private static List<String> sticky(List<Slot> slots, JumpPads pads, Rewriter rewriter) {
        List<String> sticky = new ArrayList<>(rewriter.sticky());
        if (slots.stream().anyMatch(s -> isFunction(s.reference()))) {
            sticky.add("tables name its functions, and the kernel may have copied their addresses");
        }
        if (slots.stream().anyMatch(s -> s.reference() != null && !isFunction(s.reference()))) {
            sticky.add("tables name its data, and the kernel may have copied their addresses");
        }
        if (pads.added() > 0) {
            sticky.add("it brings %d jump pads, which later builds use".formatted(pads.added()));
        }
        return sticky;
    }

    private static boolean isFunction(@Nullable Reference reference) {
        return reference != null
                && reference.referent() instanceof Referent.InItem in
                && in.item().function();
    }

    /** Addresses of all code in the kernel that must be empty to commit, sorted. */
    private List<long[]> ranges(List<Redirects> redirects) {
        List<long[]> ranges = new ArrayList<>();
        for (int i = 0; i < redirects.size(); i++) {
            Layer layer = input.layers().get(i);
            layer.held().code().forEach(code -> ranges.add(new long[] {code.start(), code.end()}));
            add(ranges, layer, Quiescence.toCommit(layer, redirects.get(i)::covers));
        }
        addReverted(ranges, redirects);
        ranges.sort(Comparator.comparingLong(range -> range[0]));
        return ranges;
    }

    /**
     * What was reverted has no redirects to the new build. Its calls go down to a build that has some, through any others
     * that were reverted as well: they arrive where every one of them sends that function's calls on.
     */
    private void addReverted(List<long[]> ranges, List<Redirects> redirects) {
        List<Redirects> all = new ArrayList<>(redirects);
        input.reverted().forEach(layer -> all.add(new Redirects(layer)));
        for (Layer layer : input.reverted()) {
            Correlation correlation = layer.comparison().correlation();
            add(ranges, layer, Quiescence.toCommit(layer, old -> {
                Item target = correlation.newOf(old);
                return target != null && all.stream().allMatch(each -> each.leadTo(target));
            }));
        }
    }

    private static void add(List<long[]> ranges, Layer layer, Collection<Item> functions) {
        for (Item function : functions) {
            long start = layer.address(function);
            ranges.add(new long[] {start, start + function.size()});
        }
    }
}
