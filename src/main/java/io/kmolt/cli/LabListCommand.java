package io.kmolt.cli;

import io.kmolt.lab.NamedGuests;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
    @Mixin
    OutputOptions output = new OutputOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        List<NamedGuests.Entry> guests = NamedGuests.ofUser().list();
        output.print(spec, guests, out -> print(out, guests));
        return ExitCode.OK;
    }

    private static void print(PrintWriter out, List<NamedGuests.Entry> guests) {
        String format = "%-16s %-12s %-26s %4s %6s  %s%n";
        if (guests.isEmpty()) {
            out.println("no guests in the background");
            return;
        }
        out.printf(format, "NAME", "STATE", "KERNEL", "CPUS", "MIB", "LOG");
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
    }
}
