package io.kmolt.cli;

import io.kmolt.edition.DeclaredEdition;
import io.kmolt.edition.EditionBuilder;
import io.kmolt.edition.EditionBuilder.Built;
import io.kmolt.edition.EditionException;
import io.kmolt.edition.EditionFile;
import io.kmolt.swap.Facts;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt edition build}: compiles a C file with editions. */
@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        description = {
            "Compiles a C file with editions of kernel functions to a module, and lists what it declares.",
            "Nothing is loaded. Needs the headers of the kernel that it is for, not its source."
        },
        footer = {
            "",
            "The file:",
            "  #include <kmolt.h>",
            "  MODULE_LICENSE(\"GPL\");",
            "  KMOLT_EDITION(pipe_write)",
            "  static ssize_t audited_write(struct kiocb *iocb, struct iov_iter *from)",
            "  {",
            "          pr_info(\"%s writes\\n\", current->comm);",
            "          return kmolt_original(audited_write, iocb, from);",
            "  }",
            "",
            "KMOLT_EDITION(FUNCTION[, NUMBER[, MODULE|vmlinux[, N]]]) makes the next function an edition.",
            "What the kernel does not export is declared extern and used. include/kmolt.h tells more.",
            "",
            "Examples:",
            "  kmolt edition build -t lab:one examples/editions/pipes.c",
            "  kmolt edition build --kernel 6.1.0-56-amd64 -o /tmp/pipes.ko pipes.c",
            "",
            "Exit status: 0 done; 1 what it declares makes no sense; 2 usage; 3 it does not compile, or there are no headers."
        })
final class EditionBuildCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "OUT",
            description = "the module's file (default: FILE with .ko in place of .c, in the current folder)")
    @Nullable
    Path out;

    @Option(
            names = "--kernel",
            paramLabel = "VERSION",
            description = "the kernel that it is for, as in uname -r (default: the target's)")
    @Nullable
    String kernel;

    @Parameters(paramLabel = "FILE.c", description = "the C file; its name becomes the update's")
    Path source = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    /**
     * What was built, for programs.
     *
     * @param file the module
     * @param name the update's name
     * @param kernel what it was built for
     * @param editions what it declares
     * @param messages what the compiler said
     */
    record Report(Path file, String name, String kernel, List<Declared> editions, List<String> messages) {}

    /**
     * An edition that the file declares.
     *
     * @param object the module that the function is in; empty if it does not say
     * @param occurrence which one of that name; 0 if it does not say
     */
    record Declared(String function, int number, String name, String object, int occurrence) {
        static Declared of(DeclaredEdition edition) {
            return new Declared(
                    edition.function(),
                    edition.number(),
                    edition.name(),
                    edition.object().orElse(""),
                    edition.occurrence());
        }

        String where() {
            return (object.isEmpty() ? "" : object + ":") + function + (occurrence == 0 ? "" : "," + occurrence);
        }
    }

    @Override
    public Integer call() throws IOException, EditionException {
        if (!Files.isRegularFile(source)) {
            throw new NoSuchFileException(source.toString());
        }
        String release = kernel == null ? runningKernel() : kernel;
        try (ProgressLine progress = output.progress(spec)) {
            progress.step("compiling");
            Built built = EditionBuilder.ofHome()
                    .build(
                            source,
                            Headers.find(release),
                            Optional.ofNullable(out).orElseGet(this::beside));
            progress.done();
            PrintWriter err = spec.commandLine().getErr();
            built.messages().forEach(err::println);
            err.flush();
            EditionFile file = readOrDelete(built.module());
            Report report = new Report(
                    built.module(),
                    file.name(),
                    release,
                    file.editions().stream().map(Declared::of).toList(),
                    built.messages());
            output.print(spec, report, text -> describe(text, report));
        }
        return ExitCode.OK;
    }

    private String runningKernel() throws IOException {
        try (Target opened = target.open()) {
            return Facts.release(opened);
        }
    }

    /** What makes no sense is not left lying about. */
    private static EditionFile readOrDelete(Path module) throws IOException, EditionException {
        try {
            return EditionFile.read(module);
        } catch (EditionException e) {
            Files.delete(module);
            throw e;
        }
    }

    private Path beside() {
        String name = String.valueOf(source.getFileName());
        return Path.of(name.replaceFirst("\\.c$", "") + ".ko");
    }

    private static void describe(PrintWriter out, Report report) {
        out.printf(
                "%s: update %s for %s, %s%n",
                report.file(),
                report.name(),
                report.kernel(),
                Texts.count(report.editions().size(), "edition"));
        for (Declared edition : report.editions()) {
            out.printf("  %s = %d: %s%n", edition.where(), edition.number(), edition.name());
        }
    }
}
