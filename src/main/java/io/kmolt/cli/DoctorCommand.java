package io.kmolt.cli;

import io.kmolt.swap.Check;
import io.kmolt.swap.Diagnosis;
import io.kmolt.swap.Doctor;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt doctor}: is this target fit? */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Says whether kmolt can work on a target, and what to do where it cannot.",
            "Only looks; changes nothing."
        },
        footer = {
            "",
            "Without -v, what is in order is summed up in one line. The same checks come before every swap.",
            "",
            "Examples:",
            "  kmolt doctor                       this machine",
            "  kmolt doctor -v -t ssh:root@web1   another one, with every check",
            "",
            "Exit status: 0 fit, perhaps with warnings; 2 usage; 3 unfit; 5 the target cannot be reached."
        })
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Target opened = signing.open(target)) {
            Diagnosis diagnosis = Doctor.examine(opened);
            output.print(spec, diagnosis, out -> describe(out, diagnosis));
            return diagnosis.fit() ? ExitCode.OK : ExitCode.UNFIT;
        }
    }

    private void describe(PrintWriter out, Diagnosis diagnosis) {
        out.println(diagnosis.target() + (diagnosis.fit() ? ": fit" : ": unfit"));
        for (Check check : diagnosis.checks()) {
            if (output.verbose || check.state() != Check.State.OK) {
                out.printf("  %-8s %-18s %s%n", word(check.state()), check.name(), check.found());
            }
            if (!check.advice().isEmpty()) {
                out.printf("  %-8s %-18s → %s%n", "", "", check.advice());
            }
        }
        long inOrder = diagnosis.checks().stream()
                .filter(c -> c.state() == Check.State.OK)
                .count();
        if (!output.verbose) {
            out.printf(
                    "  %-8s %d of %d checks%n",
                    "ok", inOrder, diagnosis.checks().size());
        }
    }

    private static String word(Check.State state) {
        return switch (state) {
            case OK -> "ok";
            case WARNING -> "warning";
            case UNFIT -> "unfit";
        };
    }
}
