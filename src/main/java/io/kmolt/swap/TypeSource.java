package io.kmolt.swap;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.Pahole;
import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.diff.BtfTypes;
import io.kmolt.diff.Types;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds the types of builds: in their BTF, or by pahole from their DWARF. Either needs the BTF of the kernel that the
 * build was made for, which is in that kernel's image.
 */
public final class TypeSource {
    private TypeSource() {}

    /** Compares the types of two builds; trivially so if they are the same build. */
    public static Types compare(KernelImages images, KernelModule oldModule, KernelModule newModule)
            throws IOException, SwapException {
        KernelTypes kernels = new KernelTypes(images);
        return compare(kernels, oldModule, kernels, newModule);
    }

    /** Compares the types of two builds, each with the kernels of its own side. */
    public static Types compare(
            KernelTypes oldKernels, KernelModule oldModule, KernelTypes newKernels, KernelModule newModule)
            throws IOException, SwapException {
        if (oldModule.buildId().isPresent() && oldModule.buildId().equals(newModule.buildId())) {
            return Types.same();
        }
        try {
            return new BtfTypes(types(oldKernels, oldModule), types(newKernels, newModule));
        } catch (BtfException e) {
            throw SwapException.unfit("the types of the two builds cannot be compared: " + e.getMessage());
        }
    }

    private static Btf types(KernelTypes kernels, KernelModule module) throws IOException, SwapException, BtfException {
        String release = module.info("vermagic").split(" ", 2)[0];
        Optional<Btf> kernel = kernels.of(release);
        if (kernel.isEmpty()) {
            throw SwapException.unfit("the types of " + module.elf().name()
                    + " cannot be read without the image of the kernel that it was built for: get it with"
                    + " kmolt lab kernel fetch " + release);
        }
        Optional<ElfSection> section = module.elf().section(".BTF");
        byte[] raw = section.isPresent()
                ? module.elf().content(section.get())
                : encode(module, VmlinuxBtf.file(kernels.image(release).orElseThrow()));
        return Btf.parseSplit(module.elf().name(), raw, kernel.get());
    }

    private static byte[] encode(KernelModule module, Path vmlinux) throws BtfException, IOException {
        Path copy = Files.createTempFile("kmolt-", ".ko");
        try {
            Files.write(copy, module.elf().bytes());
            return Pahole.encode(copy, vmlinux);
        } finally {
            Files.deleteIfExists(copy);
        }
    }
}
