package io.kmolt.cli;

import picocli.CommandLine.Command;

/** {@code kmolt edition}: editions of functions, from a C file into a running kernel and out of it. */
@Command(
        name = "edition",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = {
            "Editions of functions: other versions of kernel functions, written in C, that run beside the originals.",
            "kmolt route chooses, call by call, who answers."
        },
        subcommands = {
            EditionBuildCommand.class,
            EditionLoadCommand.class,
            EditionListCommand.class,
            EditionUnloadCommand.class
        })
final class EditionCommand {}
