package io.kmolt.demo;

import io.kmolt.edition.EditionException;
import io.kmolt.edition.LoadEditions;
import io.kmolt.edition.Routing;
import io.kmolt.edition.UnloadEditions;
import io.kmolt.route.Explanation;
import io.kmolt.route.RouteException;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/** Part 3: one user's reads of /proc/meminfo are answered by an edition, everybody else's by the kernel's function. */
final class OneUser {
    private static final String NAME = "meminfo";
    private static final String FUNCTION = "meminfo_proc_show";
    private static final int USER = 1000;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Stage stage;
    private final DemoFiles files;

    OneUser(Stage stage, DemoFiles files) {
        this.stage = stage;
        this.files = files;
    }

    void play() throws IOException, SwapException, EditionException {
        load();
        look("before", Answer.ORIGINAL, Answer.ORIGINAL);
        route("uid == %d ? 1 : 0".formatted(USER));
        look("after", Answer.TENANTS, Answer.ORIGINAL);
        route("uid == %d ? 0 : 2".formatted(USER));
        look("flipped", Answer.ORIGINAL, Answer.NOTED);
        route("uid == %d ? 1 : 0".formatted(USER));
        look("again", Answer.TENANTS, Answer.ORIGINAL);
        unload();
        look("back", Answer.ORIGINAL, Answer.ORIGINAL);
    }

    /** Who has answered, as /proc/meminfo shows it. */
    private enum Answer {
        ORIGINAL("the kernel's function"),
        TENANTS("edition 1"),
        NOTED("edition 2, which calls the kernel's function");

        private final String text;

        Answer(String text) {
            this.text = text;
        }

        static Answer of(String meminfo) {
            return meminfo.contains("Looks:") ? TENANTS : meminfo.contains("Kmolt:") ? NOTED : ORIGINAL;
        }
    }

    private void load() throws IOException, SwapException, EditionException {
        LoadEditions.Report report = LoadEditions.run(stage.target(), files.meminfo(), stage.images(), Progress.NONE);
        stage.timeline()
                .event(
                        "edition",
                        "%s has %d editions now, written in C; nobody is led to them yet"
                                .formatted(
                                        FUNCTION,
                                        report.functions().getFirst().editions().size()));
    }

    private void route(String route) throws IOException, SwapException, EditionException {
        SequencedMap<String, String> routes = new LinkedHashMap<>();
        routes.put(FUNCTION, route);
        try {
            Routing.Report report = Routing.run(
                    stage.target(), routes, new Routing.Options(false, true), stage.images(), Progress.NONE);
            stage.timeline().event("route", route);
            for (Explanation.Way way : report.functions().getFirst().ways()) {
                stage.timeline().more("instructions on the way " + way);
            }
        } catch (RouteException e) {
            throw new IllegalStateException(e.rendered(), e);
        }
    }

    private void look(String when, Answer user, Answer others) throws IOException {
        String own = stage.run(
                "/usr/bin/setpriv --reuid=%1$d --regid=%1$d --clear-groups cat /proc/meminfo".formatted(USER));
        String rest = stage.run("cat /proc/meminfo");
        stage.timeline().event(when, "user %d sees  %s, from %s".formatted(USER, total(own), Answer.of(own).text));
        stage.timeline().more("root sees       %s, from %s".formatted(total(rest), Answer.of(rest).text));
        stage.findings()
                .check(Answer.of(own) == user, "user %d was answered by %s".formatted(USER, Answer.of(own).text));
        stage.findings().check(Answer.of(rest) == others, "root was answered by " + Answer.of(rest).text);
    }

    private static String total(String meminfo) {
        return meminfo.lines().findFirst().orElse("").replaceAll("\\s+", " ");
    }

    private void unload() throws IOException, SwapException, EditionException {
        EditedFunction function = CoreState.ask(stage.target())
                .editions(NAME)
                .orElseThrow()
                .functions()
                .getFirst();
        stage.timeline()
                .event(
                        "counted",
                        function.hits().entrySet().stream()
                                .map(hit -> "%s answered %d calls"
                                        .formatted(
                                                hit.getKey() == 0 ? "the kernel's function" : "edition " + hit.getKey(),
                                                hit.getValue()))
                                .collect(Collectors.joining(", ")));
        stage.findings()
                .check(List.copyOf(function.hits().values()).equals(List.of(3L, 2L, 1L)), "calls: " + function.hits());
        UnloadEditions.run(stage.target(), NAME, PATIENCE, stage.images(), Progress.NONE);
        String left = stage.run("cut -d' ' -f1 /proc/modules | grep '^kmolt_meminfo' || true");
        stage.findings().check(left.isEmpty(), "still loaded: " + left);
        stage.timeline().event("unload", left.isEmpty() ? "the editions are gone" : left + " is left over");
    }
}
