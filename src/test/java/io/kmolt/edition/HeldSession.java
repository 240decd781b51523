package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.route.RouteException;
import io.kmolt.swap.Attempts;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Progress;
import io.kmolt.swap.Reply;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapGuest;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * {@code /dev/kmolt}, held open, and what routes of one update need to know, asked once: for many changes in a short
 * time. What it does is what {@link Routing} and {@link UnloadEditions} do.
 */
final class HeldSession implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final LoadedEditions editions;
    private final RouteInstaller installer;
    private final CoreSession session;

    private HeldSession(LoadedEditions editions, RouteInstaller installer, CoreSession session) {
        this.editions = editions;
        this.installer = installer;
        this.session = session;
    }

    /** @param name of an update that is loaded */
    static HeldSession open(BusyGuest guest, String name) throws IOException, SwapException {
        Target target = guest.target();
        LoadedEditions editions = guest.editions(name);
        RouteInstaller installer = RouteInstaller.of(target, editions, SwapGuest::image);
        return new HeldSession(editions, installer, CoreSession.open(target));
    }

    CoreSession session() {
        return session;
    }

    /** Sends a command that must succeed. */
    Reply send(String command) throws IOException {
        Reply reply = session.send(command);
        assertThat(reply.isOk()).as(command + ": " + reply.message()).isTrue();
        return reply;
    }

    /** Routes all functions of the update by one text. */
    void route(String text) throws IOException, RouteException, SwapException, EditionException {
        SequencedMap<String, String> texts = new LinkedHashMap<>();
        for (EditedFunction function : editions.functions()) {
            texts.put(function.label(), text);
        }
        installer.install(session, installer.describe(session), texts, true);
    }

    /** Unloads the update, whose functions must not be routed. */
    void unload() throws IOException {
        Attempts.Outcome outcome = Attempts.run(session, "unload " + editions.name(), TIMEOUT, Progress.NONE);
        assertThat(outcome.reply().isOk()).as(outcome.reply().message()).isTrue();
        installer.unload(outcome.reply().values("retired"));
    }

    @Override
    public void close() {
        session.close();
    }
}
