package io.kmolt.cli;

import io.kmolt.swap.MemoryImage;
import io.kmolt.swap.MemoryRecord;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt record}: what was swapped in a kernel, from an image of its memory. */
@Command(
        name = "record",
        mixinStandardHelpOptions = true,
        description = {
            "Finds the record of the core in an image of a kernel's memory, and tells what was swapped there.",
            "Images are ELF cores (of kdump, of QEMU's dump-guest-memory, /proc/kcore) and plain copies of",
            "physical memory. No symbols are needed."
        },
        footer = {
            "",
            "Examples:",
            "  kmolt record /var/crash/202601011200/vmcore",
            "  kmolt record /proc/kcore     the running kernel, as root",
            "",
            "Exit status: 0 found; 1 there is none; 2 usage; 3 not an image of memory; 5 it cannot be read."
        })
final class RecordCommand implements Callable<Integer> {
    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "FILE", description = "the image")
    Path file = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        List<MemoryRecord> records = MemoryImage.records(file);
        if (records.isEmpty()) {
            throw SwapException.refused("there is no record of kmolt in " + file, List.of());
        }
        output.print(spec, records, out -> records.forEach(record -> describe(out, record)));
        return ExitCode.OK;
    }

    private static void describe(PrintWriter out, MemoryRecord record) {
        out.printf("record of kernel %s, boot %s%n", record.release(), record.bootId());
        out.printf("  found     at %x in the file, at %s in the kernel%n", record.offset(), record.address());
        out.printf(
                "  changes   %d, of which the last %d are kept%n",
                record.count(), record.entries().size());
        for (MemoryRecord.Entry entry : record.entries()) {
            out.printf(
                    "%s %s: %s %s (build-id %s), %s%n",
                    Instant.ofEpochSecond(entry.seconds()),
                    entry.module(),
                    entry.verb(),
                    entry.edition(),
                    entry.buildId(),
                    entry.answers().equals("none") ? "the module is gone" : Texts.answers(entry.answers()));
            out.printf("  by        uid %d, pid %d (%s)%n", entry.uid(), entry.pid(), entry.command());
        }
    }
}
