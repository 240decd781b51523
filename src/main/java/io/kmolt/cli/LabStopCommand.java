package io.kmolt.cli;

import io.kmolt.lab.NamedGuests;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code kmolt lab stop}: ends guests that {@code lab start} left running. */
@Command(name = "stop", mixinStandardHelpOptions = true, description = "Ends guests at once, and forgets them.")
final class LabStopCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", arity = "1..*", description = "guests as lab start named them")
    List<String> names = List.of();

    @Override
    public Integer call() throws IOException {
        for (String name : names) {
            NamedGuests.ofUser().stop(name);
        }
        return ExitCode.OK;
    }
}
