package io.kmolt.swap;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.Refusal;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Two builds of a module side by side, by name.
 *
 * @param module the module
 * @param oldFile file of the build that would be replaced
 * @param oldBuildId its build-id; empty if it has none
 * @param newFile file of the build that would replace it
 * @param newBuildId its build-id; empty if it has none
 * @param swappable whether the builds themselves allow it
 * @param changed functions that are not the same in the new build
 * @param added functions that only the new build has
 * @param gone functions that only the old build has
 * @param changedData objects that are not the same in the new build
 * @param addedData objects that only the new build has
 * @param goneData objects that only the old build has
 * @param refusals why the new build must not take over; empty if it may
 */
public record BuildDiff(
        String module,
        String oldFile,
        String oldBuildId,
        String newFile,
        String newBuildId,
        boolean swappable,
        List<String> changed,
        List<String> added,
        List<String> gone,
        List<String> changedData,
        List<String> addedData,
        List<String> goneData,
        List<Refusal> refusals) {

    /**
     * Compares two files.
     *
     * @param images finds kernel images, for their types
     * @throws SwapException if a file cannot be read as a module, or its types not be found
     */
    public static BuildDiff of(Path oldFile, Path newFile, KernelImages images) throws IOException, SwapException {
        KernelModule oldModule = ModuleFiles.read(oldFile);
        KernelModule newModule = ModuleFiles.read(newFile);
        return of(Comparer.compare(oldModule, newModule, TypeSource.compare(images, oldModule, newModule)));
    }

    private static BuildDiff of(Comparison comparison) {
        KernelModule oldModule = comparison.oldModule();
        KernelModule newModule = comparison.newModule();
        return new BuildDiff(
                oldModule.name(),
                oldModule.elf().name(),
                oldModule.buildId().orElse(""),
                newModule.elf().name(),
                newModule.buildId().orElse(""),
                comparison.verdict() == io.kmolt.diff.Verdict.SWAPPABLE,
                names(Comparison.with(comparison.functions(), Change.CHANGED)),
                names(comparison.newFunctions()),
                names(Comparison.with(comparison.functions(), Change.GONE)),
                names(Comparison.with(comparison.objects(), Change.CHANGED)),
                names(comparison.newObjects()),
                names(Comparison.with(comparison.objects(), Change.GONE)),
                comparison.refusals());
    }

    static List<String> names(List<Item> items) {
        return items.stream().map(Item::name).distinct().sorted().toList();
    }

    /** Whether nothing that a swap could bring in differs. */
    public boolean nothingDiffers() {
        return changed.isEmpty()
                && added.isEmpty()
                && gone.isEmpty()
                && changedData.isEmpty()
                && addedData.isEmpty()
                && goneData.isEmpty();
    }
}
