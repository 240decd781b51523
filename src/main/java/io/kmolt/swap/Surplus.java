package io.kmolt.swap;

import io.kmolt.target.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Builds that were superseded so long ago that nobody keeps them to go back to: they are dropped, once no task is inside,
 * so that a long chain of swaps takes no more memory than a short one.
 *
 * <p>What answers does not change by that. A build that something may still refer to stays; the core says so.
 *
 * @param target where
 * @param session of the core's device
 * @param journal gets an entry for each build
 * @param module whose builds
 */
record Surplus(Target target, CoreSession session, Journal journal, String module) {
    /** What the journal calls it. */
    static final String VERB = "drop";

    /** The superseded builds but the last few, oldest first; those that have to stay are left out. */
    static List<LoadedEdition> of(CoreState state, String module, int keep) {
        List<LoadedEdition> chain = state.chain(module);
        int superseded = Math.max(chain.size() - 1, 0);
        return chain.subList(0, Math.max(superseded - keep, 0)).stream()
                .filter(edition -> edition.stays().equals("no"))
                .toList();
    }

    /** Builds that were dropped and could not be unloaded then. */
    static List<LoadedEdition> leftovers(CoreState state, String module) {
        return state.module(module).stream()
                .flatMap(m -> m.editions().stream())
                .filter(edition -> edition.stays().equals(LoadedEdition.DROPPED))
                .toList();
    }

    /**
     * Drops what there is.
     *
     * @param keep how many superseded builds stay to go back to
     * @param attached builds that somebody is attached to, who would be cut off: they stay
     * @param notes receives what an operator should know
     * @return the builds that were dropped
     */
    List<String> drop(int keep, Set<String> attached, List<String> notes) throws IOException {
        CoreState state = CoreState.ask(target);
        for (LoadedEdition edition : leftovers(state, module)) {
            unload(edition.name(), notes);
        }
        List<String> dropped = new ArrayList<>();
        Set<String> tried = new HashSet<>();
        // The newest first, as it may be what an older one has to stay for.
        for (Optional<LoadedEdition> next = next(state, keep, tried); next.isPresent(); ) {
            LoadedEdition edition = next.get();
            tried.add(edition.name());
            if (attached.contains(edition.name())) {
                notes.add(edition.name() + " is not dropped yet: somebody is attached to its functions");
            } else if (drop(state, edition, notes)) {
                dropped.add(edition.name());
                state = CoreState.ask(target);
            }
            next = next(state, keep, tried);
        }
        if (!dropped.isEmpty()) {
            notes.add("dropped %s: kmolt revert can go back over %d builds now"
                    .formatted(String.join(", ", dropped), state.chain(module).size()));
        }
        return List.copyOf(dropped);
    }

    private Optional<LoadedEdition> next(CoreState state, int keep, Set<String> tried) {
        return of(state, module, keep).reversed().stream()
                .filter(edition -> !tried.contains(edition.name()))
                .findFirst();
    }

    /** Whether it worked; if not, a note says why. */
    private boolean drop(CoreState state, LoadedEdition edition, List<String> notes) throws IOException {
        JournalEntry intent = JournalEntry.intent(VERB, module, edition.name())
                .with("before", state.answers(module))
                .with("buildId", edition.buildId());
        try {
            journal.during(
                    intent, false, notes, reply -> reply.number("pause_ns"), () -> giveUp(edition.name(), notes));
            return true;
        } catch (SwapException e) {
            notes.add(edition.name() + " is not dropped yet: " + e.getMessage());
            return false;
        }
    }

    /** Tries once: who sleeps in there may do so for long, and the next swap tries again. */
    private Reply giveUp(String name, List<String> notes) throws IOException, SwapException {
        Reply reply = session.send("drop " + name);
        if (!reply.isOk()) {
            throw reply.error().equals("blocked")
                    ? SwapException.busy(reply.message(), reply.blockers())
                    : SwapException.refused(reply.message(), List.of());
        }
        unload(name, notes);
        return reply;
    }

    private void unload(String name, List<String> notes) throws IOException {
        String kept = Revert.unload(target, session, name);
        if (!kept.isEmpty()) {
            notes.add(name + " was dropped, and is not unloaded yet: " + kept);
        }
    }
}
