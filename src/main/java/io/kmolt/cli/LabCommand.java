package io.kmolt.cli;

import picocli.CommandLine.Command;

/** {@code kmolt lab}: disposable guests. */
@Command(
        name = "lab",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Boots real distribution kernels in disposable guests.",
        subcommands = {
            LabRunCommand.class,
            LabStartCommand.class,
            LabExecCommand.class,
            LabStopCommand.class,
            LabListCommand.class,
            LabKernelCommand.class
        })
final class LabCommand {}
