package io.kmolt.swap;

import io.kmolt.target.Target;
import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What is swapped on a target.
 *
 * @param target its name
 * @param core its core, with the modules asked for
 * @param changes what the journal says of who made the answering build of a module answer; only where it does
 * @param unfinished what somebody set about in this boot and did not end, for people
 */
public record Status(String target, CoreState core, SortedMap<String, JournalEntry> changes, List<String> unfinished) {

    /** All modules that have editions. */
    public static Status ofAll(Target target) throws IOException {
        CoreState core = CoreState.ask(target);
        return of(
                target,
                core.with(core.modules().stream()
                        .filter(m -> !m.editions().isEmpty())
                        .toList()));
    }

    /**
     * One module; with no editions if it has none.
     *
     * @throws SwapException if it is not loaded
     */
    public static Status of(Target target, String moduleName) throws IOException, SwapException {
        String module = ModuleName.check(moduleName);
        LoadedModule.requireLoaded(target, module);
        CoreState core = CoreState.ask(target);
        return of(target, core.with(List.of(core.module(module).orElseGet(() -> SwappedModule.none(module)))));
    }

    private static Status of(Target target, CoreState core) throws IOException {
        Journal journal = Journal.open(target, Facts.release(target), false);
        SortedMap<String, JournalEntry> changes = new TreeMap<>();
        for (SwappedModule module : core.modules()) {
            journal.recent()
                    .lastChange(journal.boot(), module.name(), module.current())
                    .ifPresent(entry -> changes.put(module.name(), entry));
        }
        List<String> unfinished = journal.recent().unfinished(journal.boot(), core.owner()).stream()
                .map(entry -> Journal.unfinished(entry, core))
                .toList();
        return new Status(target.describe(), core, changes, unfinished);
    }

    public List<SwappedModule> modules() {
        return core.modules();
    }
}
