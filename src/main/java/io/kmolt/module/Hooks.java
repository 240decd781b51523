package io.kmolt.module;

import java.util.List;
import java.util.stream.Stream;

/**
 * The hooks that a build declares by {@code KMOLT_PREPARE} and {@code KMOLT_UNPREPARE} of {@code include/kmolt.h}: a word
 * in a section for each.
 *
 * @param prepare functions that do for a running module what the build's init would have done; at most one makes sense
 * @param unprepare functions that take that back
 */
public record Hooks(List<Item> prepare, List<Item> unprepare) {

    /** The hooks of a module; what is not a function counts as if it were not there. */
    public static Hooks of(KernelModule module) {
        return new Hooks(named(module, ".kmolt.prepare"), named(module, ".kmolt.unprepare"));
    }

    private static List<Item> named(KernelModule module, String section) {
        return module.elf().sections().stream()
                .filter(s -> s.name().equals(section))
                .flatMap(s -> module.references(s.index()).stream())
                .flatMap(r -> r.referent() instanceof Referent.InItem in
                                && in.delta() == 0
                                && in.item().function()
                        ? Stream.of(in.item())
                        : Stream.empty())
                .toList();
    }

    public boolean isEmpty() {
        return prepare.isEmpty() && unprepare.isEmpty();
    }

    public boolean contains(Item function) {
        return prepare.contains(function) || unprepare.contains(function);
    }

    /** Whether they are a pair that kmolt can call while the module runs. */
    public boolean areComplete() {
        return prepare.size() == 1
                && unprepare.size() == 1
                && Stream.concat(prepare.stream(), unprepare.stream()).allMatch(i -> i.kind() == SectionKind.TEXT);
    }
}
