package io.kmolt.cli;

import io.kmolt.edition.EditionException;
import io.kmolt.edition.Routing;
import io.kmolt.route.RouteException;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt route}: chooses, call by call, who answers. */
@Command(
        name = "route",
        mixinStandardHelpOptions = true,
        description = {
            "Chooses who answers calls of functions that have editions.",
            "A route is an expression that is computed at each call: the number of an edition, or 0 for the original.",
            "Several functions of one update switch over together; functions that are not named keep their routes."
        },
        footer = {
            "",
            "A route reads",
            "  uid gid        of the task that calls, as the initial user namespace sees them",
            "  pid tgid       its thread and its process",
            "  cpu            where it runs",
            "  arg0 … arg5    the function's integer arguments",
            "  switch(\"name\") a word that kmolt switch sets",
            "and knows integers, + - * << >> & | ^ ~, == != < <= > >=, && || !, and CONDITION ? A : B, as in C.",
            "",
            "Examples:",
            "  kmolt route pipe_write 'uid == 1000 ? 1 : 0'",
            "  kmolt route pipe_read 1 pipe_write 1               both at once",
            "  kmolt route pipe_write 'switch(\"new\") ? 1 : 0' -n --explain",
            "  kmolt route pipe_write 0                           back to the original",
            "",
            "Exit status: 0 done; 1 refused; 2 usage, or an expression that makes no sense; 3 unfit target; 4 busy."
        })
final class RouteCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(
            arity = "2..*",
            paramLabel = "FUNCTION ROUTE",
            description = "a function, as kmolt list calls it, and its route; more pairs may follow")
    List<String> pairs = List.of();

    @Option(
            names = {"-n", "--dry-run"},
            description = "compile, change nothing")
    boolean dryRun;

    @Option(names = "--explain", description = "show the instructions, and how many of them a call executes")
    boolean explain;

    @Option(names = "--no-count", description = "do not count calls; saves two instructions at each")
    boolean noCount;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, RouteException, EditionException, SwapException {
        SequencedMap<String, String> routes = routes();
        try (Target opened = signing.open(target);
                ProgressLine progress = output.progress(spec)) {
            Routing.Report report =
                    Routing.run(opened, routes, new Routing.Options(dryRun, !noCount), Images::find, progress);
            progress.done();
            output.print(spec, report, out -> describe(out, report));
        }
        return ExitCode.OK;
    }

    private SequencedMap<String, String> routes() {
        if (pairs.size() % 2 != 0) {
            throw new ParameterException(spec.commandLine(), "there is no route for " + pairs.getLast());
        }
        SequencedMap<String, String> routes = new LinkedHashMap<>();
        for (int i = 0; i < pairs.size(); i += 2) {
            if (routes.put(pairs.get(i), pairs.get(i + 1)) != null) {
                throw new ParameterException(spec.commandLine(), pairs.get(i) + " is named twice");
            }
        }
        return routes;
    }

    private void describe(PrintWriter out, Routing.Report report) {
        for (Routing.Routed function : report.functions()) {
            if (!function.asked()) {
                continue;
            }
            if (function.ways().stream().allMatch(way -> way.edition() == 0)) {
                out.printf("%s: all calls %s to the original%n", function.label(), report.dryRun() ? "would go" : "go");
                continue;
            }
            out.printf(
                    "%s: %s by %s%n",
                    function.label(), report.dryRun() ? "could be routed" : "is routed", function.route());
            if (explain) {
                function.code().forEach(line -> out.println("  " + line));
            }
            out.println("  instructions on the way");
            function.ways().forEach(way -> out.println("    " + way));
        }
    }
}
