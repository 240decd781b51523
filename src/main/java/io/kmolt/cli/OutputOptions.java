package io.kmolt.cli;

import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** How results are shown; mixed into every command that reports something. */
final class OutputOptions {
    @Option(names = "--json", description = "the same facts for programs")
    boolean json;

    @Option(
            names = {"-v", "--verbose"},
            description = "say more")
    boolean verbose;

    ProgressLine progress(CommandSpec spec) {
        return new ProgressLine(spec.commandLine().getErr(), verbose);
    }

    /** Prints facts: as JSON, or as {@code text} puts them. */
    void print(CommandSpec spec, Object facts, Consumer<PrintWriter> text) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.write(facts));
        } else {
            text.accept(out);
        }
        out.flush();
    }
}
