package io.kmolt.cli;

import io.kmolt.lab.Kernel;
import io.kmolt.lab.KernelCache;
import io.kmolt.lab.KernelFetcher;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt lab kernel}: the kernels that guests can boot. */
@Command(
        name = "kernel",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Fetches and lists the kernels that guests can boot.")
final class LabKernelCommand {
    @Spec
    CommandSpec spec = CommandSpec.create();

    @Command(
            name = "fetch",
            mixinStandardHelpOptions = true,
            description = {
                "Fetches distribution kernels with apt and unpacks them into the cache; nothing is installed.",
                "What is there already is kept."
            })
    int fetch(
            @Option(names = "--headers", description = "the headers for building modules, too") boolean headers,
            @Parameters(
                            paramLabel = "VERSION",
                            arity = "1..*",
                            description = "as in uname -r, such as " + KernelCache.DEFAULT_VERSION)
                    List<String> versions)
            throws IOException {
        KernelFetcher fetcher = new KernelFetcher(KernelCache.ofUser());
        PrintWriter out = spec.commandLine().getOut();
        for (String version : versions) {
            Kernel kernel = fetcher.fetch(version);
            if (headers) {
                fetcher.fetchHeaders(version);
            }
            out.println(version + ": " + kernel.folder());
            out.flush();
        }
        return ExitCode.OK;
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the kernels in the cache.")
    int list(@Mixin OutputOptions output) throws IOException {
        List<Cached> kernels = KernelCache.ofUser().kernels().stream()
                .map(kernel -> new Cached(kernel.version(), Files.isDirectory(kernel.headers()), kernel.folder()))
                .toList();
        output.print(
                spec,
                kernels,
                out -> kernels.forEach(
                        kernel -> out.println(kernel.version() + (kernel.headers() ? "  with headers" : ""))));
        return ExitCode.OK;
    }

    /** A kernel that guests can boot without fetching it. */
    record Cached(String version, boolean headers, Path folder) {}
}
