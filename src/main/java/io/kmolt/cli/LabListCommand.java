package io.kmolt.cli;

import io.kmolt.lab.NamedGuests;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt lab list}: the guests that {@code lab start} started. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the guests in the background.",
        footer = {
            "",
            "STATE is running, complaining (its kernel warned), crashed, or ended. The kernel log of each is in LOG."
        })
final class LabListCommand implements Callable<Integer> {
    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        List<NamedGuests.Entry> guests = NamedGuests.ofUser().list();
        String format = "%-16s %-12s %-26s %4s %6s  %s%n";
        if (!guests.isEmpty()) {
            out.printf(format, "NAME", "STATE", "KERNEL", "CPUS", "MIB", "LOG");
        }
        for (NamedGuests.Entry guest : guests) {
            out.printf(
                    format,
                    guest.name(),
                    guest.state(),
                    guest.kernel(),
                    guest.cpus(),
                    guest.memory(),
                    guest.kernelLog());
        }
        out.flush();
        return ExitCode.OK;
    }
}
