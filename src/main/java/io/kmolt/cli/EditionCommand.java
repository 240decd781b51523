package io.kmolt.cli;

import picocli.CommandLine.Command;

/** {@code kmolt edition}: other versions of kernel functions, written in C. */
@Command(
        name = "edition",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = {
            "Editions of kernel functions: written in C, compiled, and put beside the original.",
            "Which of them answers a call is up to routes."
        },
        subcommands = EditionBuildCommand.class)
final class EditionCommand {}
