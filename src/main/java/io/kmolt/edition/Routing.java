package io.kmolt.edition;

import io.kmolt.route.DispatcherCode;
import io.kmolt.route.Explanation;
import io.kmolt.route.Route;
import io.kmolt.route.RouteException;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/** Chooses who answers calls of functions that have editions. */
public final class Routing {
    private Routing() {}

    /**
     * How routes are put in force.
     *
     * @param dryRun compile, change nothing
     * @param count whether calls are counted
     */
    public record Options(boolean dryRun, boolean count) {}

    /**
     * The routes of an update.
     *
     * @param editions the update
     * @param target where
     * @param dryRun whether nothing has changed
     * @param functions all its functions
     */
    public record Report(String editions, String target, boolean dryRun, List<Routed> functions) {}

    /**
     * A function and its route.
     *
     * @param label what people call it
     * @param route as it was typed
     * @param asked whether it was to change
     * @param ways what a call costs, by where it goes
     * @param code the dispatcher's instructions, as text
     */
    public record Routed(
            String label, String route, boolean asked, List<Explanation.Way> ways, List<Explanation.Line> code) {}

    /**
     * Routes functions of one update; they switch over together. Its other functions keep their routes.
     *
     * @param wanted routes by function: by its label, or its name if that is clear
     * @throws RouteException if a route makes no sense
     * @throws SwapException if there is no such function, or the core refuses; then the old routes are in force
     */
    public static Report run(
            Target target, SequencedMap<String, String> wanted, Options options, KernelImages images, Progress progress)
            throws IOException, RouteException, SwapException, EditionException {
        progress.step("asking " + target.describe());
        CoreState state = CoreState.ask(target);
        SequencedMap<String, String> byLabel = new LinkedHashMap<>();
        List<LoadedEditions> updates = new ArrayList<>();
        for (Map.Entry<String, String> entry : wanted.entrySet()) {
            Found found = find(target, state, entry.getKey());
            byLabel.put(found.function().label(), entry.getValue());
            updates.add(found.editions());
        }
        LoadedEditions editions = updates.getFirst();
        if (updates.stream().anyMatch(other -> !other.equals(editions))) {
            throw SwapException.refused(
                    "only functions of one update switch together, and these are of "
                            + updates.stream()
                                    .map(LoadedEditions::name)
                                    .distinct()
                                    .collect(Collectors.joining(" and ")),
                    List.of());
        }

        progress.step("compiling");
        RouteInstaller installer = RouteInstaller.of(target, editions, images);
        SequencedMap<String, String> texts = new LinkedHashMap<>();
        editions.functions().forEach(function -> texts.put(function.label(), function.route()));
        texts.putAll(byLabel);
        List<Route> routes = installer.compile(texts);
        if (!options.dryRun()) {
            progress.step("switching over");
            try (CoreSession session = CoreSession.open(target)) {
                // Somebody else may have changed the other routes until now.
                Description now = installer.describe(session);
                SequencedMap<String, String> all = now.inForce();
                all.putAll(byLabel);
                installer.install(session, now, all, options.count());
            }
        }
        return report(target, editions, options, byLabel, routes, installer.draft(routes, options.count()));
    }

    private record Found(LoadedEditions editions, EditedFunction function) {}

    private static Found find(Target target, CoreState state, String name) throws SwapException {
        List<Found> all = new ArrayList<>();
        for (LoadedEditions editions : state.editions()) {
            editions.functions().forEach(function -> all.add(new Found(editions, function)));
        }
        List<Found> exact =
                all.stream().filter(f -> f.function().label().equals(name)).toList();
        List<Found> named = all.stream()
                .filter(f -> Labels.name(f.function().label()).equals(name))
                .toList();
        List<Found> found = exact.isEmpty() ? named : exact;
        if (found.size() == 1) {
            if (found.getFirst().function().state().equals("gone")) {
                throw SwapException.refused(name + " is gone: its module was unloaded", List.of());
            }
            return found.getFirst();
        }
        String known = (found.isEmpty() ? all : found)
                .stream().map(f -> f.function().label()).collect(Collectors.joining(", "));
        throw SwapException.refused(
                found.isEmpty()
                        ? "%s has no editions on %s; %s"
                                .formatted(
                                        name,
                                        target.describe(),
                                        known.isEmpty() ? "kmolt edition load loads some" : "these have: " + known)
                        : name + " may be any of these: " + known,
                List.of());
    }

    private static Report report(
            Target target,
            LoadedEditions editions,
            Options options,
            Map<String, String> asked,
            List<Route> routes,
            DispatcherCode code) {
        List<Routed> functions = new ArrayList<>();
        for (int i = 0; i < routes.size(); i++) {
            String label = routes.get(i).context().function();
            Explanation explanation = code.explanations().get(i);
            functions.add(new Routed(
                    label, routes.get(i).text(), asked.containsKey(label), explanation.ways(), explanation.lines()));
        }
        return new Report(editions.name(), target.describe(), options.dryRun(), functions);
    }
}
