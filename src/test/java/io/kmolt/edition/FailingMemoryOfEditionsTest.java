package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.swap.Core;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.FailingAllocations;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every allocation of the core for editions and routes fails once, in turn: calls go where they went before. */
@Tag("lab")
class FailingMemoryOfEditionsTest {
    /** Modules that use the core, what is led where, and how much of each is held. */
    private static final String STATE = "ls -R /sys/kernel/kmolt/editions /sys/kernel/kmolt/switches;"
            + " grep ^kmolt /proc/modules | cut -d' ' -f1,3,4; cut -d' ' -f1 /sys/kernel/tracing/enabled_functions;"
            + " grep . /sys/kernel/kmolt/editions/*/routes /sys/kernel/kmolt/editions/*/*/route; true";

    @TempDir
    private static Path folder = Path.of("");

    private static @Nullable BusyGuest guest;
    private static Path pipes = Path.of("");

    @BeforeAll
    static void boot() throws Exception {
        pipes = BusyGuest.build("pipes", folder);
        guest = BusyGuest.boot("");
        Core.load(guest().target(), BusyGuest.RELEASE);
    }

    @AfterAll
    static void stop() throws Exception {
        guest().close();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        guest().clear();
        guest().assertNothingLeft();
    }

    private static BusyGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static FailingAllocations failing() {
        return FailingAllocations.of(guest().guest());
    }

    private static CapturingTarget captureRoute(String text) throws Exception {
        return CapturingTarget.captureRoutes(guest().target(), "pipe_read", text, "pipe_write", text);
    }

    @Test
    void fromTheLoadOfEditionsToTheirUnload() throws Exception {
        CapturingTarget file = CapturingTarget.captureEditions(guest().target(), pipes);
        try (CoreSession session = CoreSession.open(guest().target())) {
            int enrolling = failing()
                    .each(
                            "load of editions",
                            () -> FailingAllocations.inserts(guest().guest(), file.image(), ""),
                            STATE);
            // The update and its folder; of two functions each the trial of its site, itself, its folder, and what it
            // counts with and where; of two counters each itself and its folder.
            assertThat(enrolling).isEqualTo(2 + 2 * (5 + 2 * 2));
            int switching = failing().each("new switch", () -> FailingAllocations.send(session, "switch new 1"), STATE);
            assertThat(switching).isEqualTo(1);
        }
        try (CoreSession session = CoreSession.open(guest().target())) {
            int unloading = failing().each("unload", () -> FailingAllocations.send(session, "unload pipes"), STATE);
            assertThat(unloading).isPositive();
        }
    }

    @Test
    void fromTheOriginalToARoute() throws Exception {
        guest().load(pipes);
        // Each of two functions: which site, and the site itself; then the dispatchers for good.
        assertThat(everyChange("0", "1")).isEqualTo(2 * 2 + 2);
    }

    @Test
    void fromARouteToAnotherOne() throws Exception {
        guest().load(pipes);
        assertThat(everyChange("uid == 1000 ? 1 : 0", "1")).isEqualTo(2 + 2);
    }

    /** Returns how many allocations are needed to put routes in force that are loaded. */
    private static int everyChange(String from, String to) throws Exception {
        guest().route("pipe_read", from, "pipe_write", from);
        CapturingTarget routes = captureRoute(to);
        try (CoreSession _ = CoreSession.open(guest().target())) {
            int enrolling = failing()
                    .each(
                            "load of routes",
                            () -> FailingAllocations.inserts(guest().guest(), routes.image(), ""),
                            STATE);
            assertThat(enrolling).isEqualTo(1);
        }
        try (Change change = new Change(from, to)) {
            int routing = failing().sparing("keeps its detour", change::again).each("route", change::made, STATE);
            long read = guest().number("pipes", "bytes_read");
            guest().sh("echo through | cat");
            assertThat(guest().number("pipes", "bytes_read")).isGreaterThan(read);
            return routing;
        }
    }

    /** From one route of all functions to another one, whose dispatchers are loaded. */
    private static final class Change implements AutoCloseable {
        private final String from;
        private final String to;
        private String name = "";
        private CoreSession session;

        Change(String from, String to) throws Exception {
            this.from = from;
            this.to = to;
            this.session = load();
        }

        private CoreSession load() throws Exception {
            CapturingTarget routes = captureRoute(to);
            CoreSession opened = CoreSession.open(guest().target());
            LoadEditions.insert(guest().target(), opened, routes.name(), routes.image());
            name = routes.name();
            return opened;
        }

        boolean made() throws Exception {
            return FailingAllocations.send(session, "route " + name);
        }

        void again() throws Exception {
            session.close();
            guest().route("pipe_read", from, "pipe_write", from);
            session = load();
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
