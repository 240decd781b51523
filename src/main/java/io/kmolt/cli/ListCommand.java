package io.kmolt.cli;

import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.Status;
import io.kmolt.swap.SwappedModule;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt list}: the modules and the functions that have editions. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = {
            "Lists what has editions on a target: modules, and who answers for each (-v: all editions);",
            "functions, their routes, and how many calls each edition has answered."
        },
        footer = {
            "",
            "Examples:",
            "  kmolt list",
            "  kmolt list -v -t ssh:root@web1",
            "",
            "Exit status: 0 done, also if there are none; 2 usage; 5 the target cannot be reached."
        })
final class ListCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Target opened = target.open()) {
            Status status = Status.ofAll(opened);
            Listing listing = new Listing(status.modules(), status.core().editions());
            output.print(spec, listing, out -> describe(out, status));
        }
        return ExitCode.OK;
    }

    /** What is listed. */
    record Listing(List<SwappedModule> modules, List<LoadedEditions> editions) {}

    private void describe(PrintWriter out, Status status) {
        if (status.modules().isEmpty() && status.core().editions().isEmpty()) {
            out.println("nothing has editions on " + status.target());
        }
        status.core().editions().forEach(editions -> Texts.functions(out, editions));
        for (SwappedModule module : status.modules()) {
            out.printf(
                    "%s: %s%s, %s%n",
                    module.name(),
                    Texts.answers(module.current()),
                    module.current().equals("base") ? "" : " (build-id " + module.buildId() + ")",
                    Texts.count(module.editions().size(), "edition"));
            if (output.verbose) {
                Texts.editions(out, module.editions());
            }
        }
    }
}
