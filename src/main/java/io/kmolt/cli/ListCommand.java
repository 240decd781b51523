package io.kmolt.cli;

import io.kmolt.swap.Status;
import io.kmolt.swap.SwappedModule;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt list}: the modules that have editions. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the modules that have editions on a target, and who answers for each; -v, all editions.",
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
            output.print(spec, status.modules(), out -> describe(out, status));
        }
        return ExitCode.OK;
    }

    private void describe(PrintWriter out, Status status) {
        if (status.modules().isEmpty()) {
            out.println("no module has editions on " + status.target());
        }
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
