package io.kmolt.edition;

import io.kmolt.route.RouteException;
import io.kmolt.swap.Attempts;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.Progress;
import io.kmolt.swap.Reply;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * Unloads editions: lead all calls to the originals, wait for those who were on their way, look who is still inside,
 * unload. Where somebody stays inside, the routes are put in force again.
 */
public final class UnloadEditions {
    private UnloadEditions() {}

    /**
     * What was unloaded.
     *
     * @param name what people called the update
     * @param target where
     * @param attempts how often it was looked whether somebody is inside
     */
    public record Report(String name, String target, int attempts) {}

    /**
     * Unloads.
     *
     * @param timeout how long to wait for tasks that are inside
     * @throws SwapException if tasks are inside to the end, or there are no such editions; then nothing has changed
     */
    public static Report run(Target target, String name, Duration timeout, KernelImages images, Progress progress)
            throws IOException, SwapException, EditionException {
        progress.step("asking " + target.describe());
        CoreState state = CoreState.ask(target);
        LoadedEditions editions = state.editions(name)
                .orElseThrow(() -> SwapException.unfit("no editions named %s are loaded on %s%s"
                        .formatted(
                                name,
                                target.describe(),
                                state.editions().isEmpty()
                                        ? ""
                                        : "; there are: "
                                                + state.editions().stream()
                                                        .map(LoadedEditions::name)
                                                        .collect(Collectors.joining(", ")))));
        RouteInstaller installer = RouteInstaller.of(target, editions, images);
        try (CoreSession session = CoreSession.open(target)) {
            Description before = installer.describe(session);
            if (!before.withoutRoutes()) {
                progress.step("leading all calls to the originals");
                SequencedMap<String, String> none = before.inForce();
                none.replaceAll((label, route) -> Description.NONE);
                route(installer, session, before, none);
            }
            progress.step("waiting for those who are inside");
            Attempts.Outcome outcome = attempts(installer, session, before, name, timeout, progress);
            Optional<String> stays = installer.unload(outcome.reply().values("retired"));
            if (stays.isPresent()) {
                throw SwapException.busy(
                        "%s: all calls go to the originals, but its module stays: %s; try again"
                                .formatted(name, stays.get()),
                        List.of());
            }
            return new Report(name, target.describe(), outcome.count());
        }
    }

    /** Until nobody is inside; else what was in force before is put in force again. */
    private static Attempts.Outcome attempts(
            RouteInstaller installer,
            CoreSession session,
            Description before,
            String name,
            Duration timeout,
            Progress progress)
            throws IOException, SwapException, EditionException {
        Attempts.Outcome outcome = Attempts.run(session, "unload " + name, timeout, progress);
        Reply reply = outcome.reply();
        if (reply.isOk()) {
            return outcome;
        }
        String why = reply.error().equals("blocked")
                ? "gave up after %d s: tasks are inside editions of %s".formatted(timeout.toSeconds(), name)
                : "%s cannot be unloaded: %s".formatted(name, reply.message());
        if (!before.withoutRoutes()) {
            try {
                route(installer, session, installer.describe(session), before.inForce());
            } catch (SwapException | EditionException e) {
                throw SwapException.busy(
                        "%s; all calls go to the originals, because the routes could not be put back: %s"
                                .formatted(why, e.getMessage()),
                        reply.blockers(),
                        reply.late());
            }
        }
        throw SwapException.busy(why + "; nothing has changed", reply.blockers(), reply.late());
    }

    /** With counting: what has hits shows them. */
    private static void route(
            RouteInstaller installer, CoreSession session, Description now, SequencedMap<String, String> texts)
            throws IOException, SwapException, EditionException {
        try {
            installer.install(session, now, texts, true);
        } catch (RouteException e) {
            throw new IllegalStateException("a route in force cannot be compiled: " + e.getMessage(), e);
        }
    }
}
