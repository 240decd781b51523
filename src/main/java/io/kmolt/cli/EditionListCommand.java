package io.kmolt.cli;

import io.kmolt.swap.CoreState;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt edition list}: the functions that have editions. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = {
            "Lists the functions that have editions on a target, their routes, and who has answered how many calls."
        },
        footer = {"", "Exit status: 0 done, also if there are none; 2 usage; 5 the target cannot be reached."})
final class EditionListCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Target opened = target.open()) {
            CoreState state = CoreState.ask(opened);
            output.print(spec, state.editions(), out -> describe(out, state, opened.describe()));
        }
        return ExitCode.OK;
    }

    private static void describe(PrintWriter out, CoreState state, String where) {
        if (state.editions().isEmpty()) {
            out.println("no function has editions on " + where);
        }
        state.editions().forEach(editions -> Texts.functions(out, editions));
    }
}
