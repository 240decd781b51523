package io.kmolt.cli;

import io.kmolt.lab.KernelCache;
import io.kmolt.lab.LabOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The options that describe a guest, shared by {@code lab run} and {@code lab start}. */
final class GuestOptions {
    @Option(
            names = "--kernel",
            paramLabel = "VERSION",
            defaultValue = KernelCache.DEFAULT_VERSION,
            description = "kernel to boot, one that was fetched (default: ${DEFAULT-VALUE})")
    String kernel = KernelCache.DEFAULT_VERSION;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = Mebibytes.class,
            defaultValue = "" + LabOptions.DEFAULT_MEMORY,
            description = "memory in MiB, or with a suffix M or G (default: ${DEFAULT-VALUE})")
    int memory = LabOptions.DEFAULT_MEMORY;

    @Option(
            names = "--cpus",
            paramLabel = "N",
            defaultValue = "" + LabOptions.DEFAULT_CPUS,
            description = "virtual CPUs (default: ${DEFAULT-VALUE})")
    int cpus = LabOptions.DEFAULT_CPUS;

    @Option(
            names = "--cpu",
            paramLabel = "MODEL",
            defaultValue = LabOptions.DEFAULT_CPU,
            description = "QEMU CPU model (default: ${DEFAULT-VALUE})")
    String cpu = LabOptions.DEFAULT_CPU;

    @Option(
            names = "--share",
            paramLabel = "DIR",
            description = "folder that the guest may write, at the same path; can be repeated")
    List<Path> shares = new ArrayList<>();

    @Option(names = "--append", paramLabel = "WORDS", description = "added to the kernel command line")
    String append = "";

    @Option(
            names = "--icount",
            description = "count instructions: one CPU, whose time stamp counter advances by one per instruction")
    boolean icount;

    @Option(
            names = "--kaslr",
            description = "place the kernel at a random address, by its own loader; boots slower when emulated")
    boolean kaslr;

    @Option(
            names = "--secure-boot",
            description = "boot under UEFI with Secure Boot on, and with a signing key of its own")
    boolean secureBoot;

    @Spec(Spec.Target.MIXEE)
    CommandSpec command = CommandSpec.create();

    LabOptions toLabOptions() {
        try {
            return new LabOptions(kernel, memory, icount ? 1 : cpus, cpu, shares, append, icount, kaslr, secureBoot);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    /** {@code 512}, {@code 512M}, {@code 2G}. */
    static final class Mebibytes implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            String upper = value.toUpperCase(Locale.ROOT);
            String digits = upper.replaceFirst("[MG]$", "");
            try {
                return Math.multiplyExact(Integer.parseInt(digits), upper.endsWith("G") ? 1024 : 1);
            } catch (NumberFormatException | ArithmeticException e) {
                throw new TypeConversionException("'" + value + "' is not a size such as 1024, 512M or 2G");
            }
        }
    }
}
