package io.kmolt.cli;

import io.kmolt.demo.Demo;
import io.kmolt.demo.DemoResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmolt demo}: swaps modules of a guest while they are in use. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Shows, in a guest with a distribution's kernel, that modules in use can be replaced,",
            "and that a kernel function can have editions, chosen call by call.",
            "This machine's own kernel is not touched."
        },
        footer = {
            "",
            "Part 1: ext4, mounted and under load, is swapped for another package's build, reverted, swapped again.",
            "Part 2: the example device, open and in use, behaves differently after a swap and keeps its state.",
            "Part 3: /proc/meminfo is answered by an edition for one user, by the kernel's function for all others.",
            "Needs what make fixtures builds.",
            "",
            "Exit status: 0 everything held; 3 a kernel or a file is missing; 5 something did not hold;",
            "6 the guest's kernel crashed or complained."
        })
final class DemoCommand implements Callable<Integer> {
    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        CommandLine commandLine = spec.commandLine();
        long start = System.nanoTime();
        DemoResult result = Demo.run(Images::find, commandLine.getOut());
        long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
        return conclude(result, seconds, commandLine.getOut(), commandLine.getErr());
    }

    /** The last words, and the exit status. */
    static int conclude(DemoResult result, long seconds, PrintWriter out, PrintWriter err) {
        out.println();
        if (result.wrong().isEmpty()) {
            out.printf(
                    "Everything held, in %d s: no mismatch, no error, no kernel warning, nothing left behind.%n",
                    seconds);
            out.flush();
            return ExitCode.OK;
        }
        out.printf("%s did not hold:%n", Texts.count(result.wrong().size(), "thing"));
        result.wrong().forEach(wrong -> out.println("  " + wrong.strip().replace("\n", "\n    ")));
        out.flush();
        err.println("kmolt: the demonstration failed; the guest's kernel log:");
        err.println(result.kernelLog());
        err.flush();
        return result.kernelFailed() ? ExitCode.GUEST_CRASHED : ExitCode.FAILED;
    }
}
