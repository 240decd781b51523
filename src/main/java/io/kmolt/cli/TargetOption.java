package io.kmolt.cli;

import io.kmolt.lab.Targets;
import io.kmolt.target.Target;
import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option that says which kernel a command is about; mixed into every command that needs one. */
final class TargetOption {
    @Option(
            names = {"-t", "--target"},
            paramLabel = "TARGET",
            defaultValue = "local",
            description = "local, lab:NAME or ssh:USER@HOST (default: ${DEFAULT-VALUE})")
    String name = "local";

    @Spec(Spec.Target.MIXEE)
    CommandSpec command = CommandSpec.create();

    /**
     * Opens it; the caller closes it.
     *
     * @throws ParameterException when the name is no target's
     */
    Target open() throws IOException {
        try {
            return Targets.parse(name);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(commandLine(), e.getMessage(), e);
        }
    }

    private CommandLine commandLine() {
        return command.commandLine();
    }
}
