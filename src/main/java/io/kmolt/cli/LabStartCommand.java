package io.kmolt.cli;

import io.kmolt.lab.Guest;
import io.kmolt.lab.NamedGuests;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt lab start}: a guest that stays. */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description = "Boots a guest in the background and waits until it is up.",
        footer = {
            "",
            "Commands reach it as --target lab:NAME. It stays until: kmolt lab stop NAME",
            "It sees this machine's files as they were when it first looked; use --share for files that change."
        })
final class LabStartCommand implements Callable<Integer> {
    @Mixin
    GuestOptions guestOptions = new GuestOptions();

    @Parameters(paramLabel = "NAME", description = "letters, digits, - _ . only")
    String name = "";

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Guest guest = NamedGuests.ofUser().start(name, guestOptions.toLabOptions())) {
            spec.commandLine()
                    .getOut()
                    .println(guest.describe() + " is up with " + guest.target().readText("/proc/sys/kernel/osrelease"));
            spec.commandLine().getOut().println("kernel log: " + guest.kernelLog());
            guest.secureBootKey()
                    .ifPresent(key -> spec.commandLine()
                            .getOut()
                            .println("loads what is signed with: --sign-key " + key.getFirst() + " --sign-cert "
                                    + key.getLast()));
        }
        return ExitCode.OK;
    }
}
