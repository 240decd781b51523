package io.kmolt.swap;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.DataChange;
import io.kmolt.diff.Difference;
import io.kmolt.diff.FunctionChange;
import io.kmolt.diff.LoadRules;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Types;
import io.kmolt.diff.Verdict;
import io.kmolt.link.TrialLink;
import io.kmolt.module.Hooks;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Two builds of a module side by side, by name.
 *
 * @param module the module
 * @param oldFile file of the build that would be replaced
 * @param oldBuildId its build-id; empty if it has none
 * @param newFile file of the build that would replace it
 * @param newBuildId its build-id; empty if it has none
 * @param verdict whether the builds themselves allow it
 * @param hooksNeededFor functions and variables that hooks of the new build would have to take care of
 * @param hooksTakeCareOf the same, if it has hooks
 * @param reasons why the new build must not take over, or not without hooks; empty if it may
 * @param functions functions that are not the same in both builds
 * @param sameFunctions names of those that are
 * @param data objects that are not the same in both builds
 * @param sameData names of those that are
 * @param others in what else they differ that the kernel is told when a module is loaded; a swap does not bring it in
 * @param types where their types differ
 * @param notes what else to know of this comparison
 */
public record BuildDiff(
        String module,
        String oldFile,
        String oldBuildId,
        String newFile,
        String newBuildId,
        Verdict verdict,
        List<String> hooksNeededFor,
        List<String> hooksTakeCareOf,
        List<Refusal> reasons,
        List<FunctionChange> functions,
        List<String> sameFunctions,
        List<DataChange> data,
        List<String> sameData,
        List<Difference> others,
        TypesDiff types,
        List<String> notes) {

    /** Second names that {@code module_init} and {@code module_exit} give to functions ({@code include/linux/module.h}). */
    private static final Set<String> ALIASES = Set.of("init_module", "cleanup_module");

    /**
     * Compares two files: modules, or other objects.
     *
     * @param images finds kernel images, for their types
     * @throws SwapException if a file cannot be read as an object
     */
    public static BuildDiff of(Path oldFile, Path newFile, KernelImages images) throws IOException, SwapException {
        KernelModule oldModule = ModuleFiles.readObject(oldFile);
        KernelModule newModule = ModuleFiles.readObject(newFile);
        KernelTypes kernels = new KernelTypes(images);
        Types types = TypeSource.compareIfKnown(kernels, oldModule, kernels, newModule);
        return of(TrialLink.judge(Comparer.compare(oldModule, newModule, types), types), types);
    }

    private static BuildDiff of(Comparison comparison, Types types) {
        KernelModule oldModule = comparison.oldModule();
        KernelModule newModule = comparison.newModule();
        Verdict verdict = comparison.verdict();
        boolean hooked = !Hooks.of(newModule).isEmpty();
        return new BuildDiff(
                oldModule.name(),
                oldModule.elf().name(),
                oldModule.buildId().orElse(""),
                newModule.elf().name(),
                newModule.buildId().orElse(""),
                verdict,
                verdict == Verdict.NEEDS_HOOK ? subjects(newModule, comparison.refusals()) : List.of(),
                hooked ? subjects(newModule, LoadRules.differences(comparison)) : List.of(),
                List.copyOf(comparison.refusals()),
                FunctionChange.of(comparison),
                names(Comparison.with(comparison.functions(), Change.SAME)),
                DataChange.of(comparison),
                names(Comparison.with(comparison.objects(), Change.SAME)),
                List.copyOf(comparison.others()),
                TypesDiff.of(types),
                notes(comparison));
    }

    private static List<String> notes(Comparison comparison) {
        List<String> notes = new ArrayList<>();
        if (!comparison.oldModule().isLoadable() || !comparison.newModule().isLoadable()) {
            notes.add("an object is compared, not a whole module: what else the module is linked from is not looked"
                    + " at, nor which versions of the kernel's symbols it uses");
        } else {
            Stream.of(comparison.oldModule(), comparison.newModule())
                    .filter(module -> module.buildId().isEmpty())
                    .forEach(module -> notes.add(module.elf().name() + " has no build-id, without which kmolt swap"
                            + " does not take it, and linking was not tried"));
        }
        return notes;
    }

    /** What refusals are about; {@code init_module} and {@code cleanup_module} by the names that the source gives them. */
    private static List<String> subjects(KernelModule module, List<Refusal> refusals) {
        List<String> names = refusals.stream().map(Refusal::subject).distinct().toList();
        return names.stream()
                .filter(name -> !ALIASES.contains(name)
                        || names.stream().noneMatch(other -> !other.equals(name) && isSamePlace(module, name, other)))
                .toList();
    }

    private static boolean isSamePlace(KernelModule module, String name, String other) {
        Optional<Item> one = module.item(name);
        Optional<Item> two = module.item(other);
        return one.isPresent()
                && two.isPresent()
                && one.get().section() == two.get().section()
                && one.get().offset() == two.get().offset();
    }

    static List<String> names(List<Item> items) {
        return items.stream().map(Item::name).distinct().sorted().toList();
    }

    /** The names of changed and new functions. */
    public List<String> changedAndNew() {
        return functions.stream()
                .filter(f -> f.state() != FunctionChange.State.GONE)
                .map(FunctionChange::name)
                .toList();
    }
}
