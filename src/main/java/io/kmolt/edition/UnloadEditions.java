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
            if (!editions.withoutRoutes()) {
                progress.step("leading all calls to the originals");
                route(installer, session, RouteInstaller.none(editions));
            }
            progress.step("waiting for those who are inside");
            Attempts.Outcome outcome = Attempts.run(session, "unload " + name, timeout, progress);
            Reply reply = outcome.reply();
            if (!reply.isOk()) {
                if (!editions.withoutRoutes()) {
                    route(installer, session, RouteInstaller.inForce(editions));
                }
                throw refused(name, reply, timeout);
            }
            installer.unload(reply.values("retired"));
            return new Report(name, target.describe(), outcome.count());
        }
    }

    /** With counting: what has hits shows them. */
    private static void route(RouteInstaller installer, CoreSession session, SequencedMap<String, String> texts)
            throws IOException, SwapException, EditionException {
        try {
            installer.install(session, installer.compile(texts), true);
        } catch (RouteException e) {
            throw new IllegalStateException("a route in force cannot be compiled: " + e.getMessage(), e);
        }
    }

    private static SwapException refused(String name, Reply reply, Duration timeout) {
        return reply.error().equals("blocked")
                ? SwapException.busy(
                        "gave up after %d s: tasks are inside editions of %s; nothing has changed"
                                .formatted(timeout.toSeconds(), name),
                        reply.blockers())
                : SwapException.unfit(name + " cannot be unloaded: " + reply.message());
    }
}
