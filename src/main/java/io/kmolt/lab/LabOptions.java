package io.kmolt.lab;

import java.nio.file.Path;
import java.util.List;

/**
 * What a guest is to be like.
 *
 * @param kernel version of a fetched kernel
 * @param memory in MiB
 * @param cpus number of virtual CPUs
 * @param cpu QEMU's CPU model
 * @param shares folders of the host that the guest may write; they appear at the same path
 * @param append added to the kernel command line; may be empty
 * @param icount count instructions: the time stamp counter then advances by one per instruction, with one CPU and
 *     without KVM
 * @param kaslr let the kernel's own loader unpack it and place it at random; takes a few seconds more when emulated
 * @param secureBoot boot under UEFI with Secure Boot on, see {@link SecureBoot}
 */
public record LabOptions(
        String kernel,
        int memory,
        int cpus,
        String cpu,
        List<Path> shares,
        String append,
        boolean icount,
        boolean kaslr,
        boolean secureBoot) {
    /** Enough for a JVM inside. */
    public static final int DEFAULT_MEMORY = 1024;

    public static final int DEFAULT_CPUS = 2;

    /** Everything that the emulator can do. */
    public static final String DEFAULT_CPU = "max";

    public LabOptions {
        shares = shares.stream().map(p -> p.toAbsolutePath().normalize()).toList();
        if (memory < 256) {
            throw new IllegalArgumentException("a guest needs at least 256 MiB of memory, not " + memory);
        }
        if (cpus < 1 || cpus > 64) {
            throw new IllegalArgumentException("a guest has 1 to 64 CPUs, not " + cpus);
        }
    }

    /** The default kernel, 2 CPUs, 1 GiB, no shares. */
    public static LabOptions defaults() {
        return new LabOptions(
                KernelCache.DEFAULT_VERSION,
                DEFAULT_MEMORY,
                DEFAULT_CPUS,
                DEFAULT_CPU,
                List.of(),
                "",
                false,
                false,
                false);
    }

    public LabOptions withKernel(String version) {
        return new LabOptions(version, memory, cpus, cpu, shares, append, icount, kaslr, secureBoot);
    }

    public LabOptions withMemory(int mebibytes) {
        return new LabOptions(kernel, mebibytes, cpus, cpu, shares, append, icount, kaslr, secureBoot);
    }

    public LabOptions withCpus(int count) {
        return new LabOptions(kernel, memory, count, cpu, shares, append, icount, kaslr, secureBoot);
    }

    public LabOptions withCpu(String model) {
        return new LabOptions(kernel, memory, cpus, model, shares, append, icount, kaslr, secureBoot);
    }

    public LabOptions withShares(Path... folders) {
        return new LabOptions(kernel, memory, cpus, cpu, List.of(folders), append, icount, kaslr, secureBoot);
    }

    public LabOptions withAppend(String words) {
        return new LabOptions(kernel, memory, cpus, cpu, shares, words, icount, kaslr, secureBoot);
    }

    public LabOptions withIcount() {
        return new LabOptions(kernel, memory, 1, cpu, shares, append, true, kaslr, secureBoot);
    }

    public LabOptions withKaslr() {
        return new LabOptions(kernel, memory, cpus, cpu, shares, append, icount, true, secureBoot);
    }

    public LabOptions withSecureBoot() {
        return new LabOptions(kernel, memory, cpus, cpu, shares, append, icount, kaslr, true);
    }
}
