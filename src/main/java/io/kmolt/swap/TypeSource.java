package io.kmolt.swap;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.DwarfTypes;
import io.kmolt.btf.ModuleBtf;
import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.diff.BtfTypes;
import io.kmolt.diff.Types;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the types of builds: in their BTF, or by pahole from their DWARF. BTF refers to that of the kernel that the build
 * was made for, which is in that kernel's image; DWARF can do without, and then all types that it knows are compared.
 */
public final class TypeSource {
    private final KernelTypes newKernels;
    private final KernelModule newModule;
    private @Nullable Btf newTypes; // once they were asked for

    private TypeSource(KernelTypes newKernels, KernelModule newModule) {
        this.newKernels = newKernels;
        this.newModule = newModule;
    }

    /**
     * Compares the types of builds with those of one that is to follow on them, in their order.
     *
     * @throws SwapException if they are not to be found
     */
    static List<Types> compareEach(KernelImages images, List<KernelModule> oldModules, KernelModule newModule)
            throws IOException, SwapException {
        TypeSource source = new TypeSource(new KernelTypes(images), newModule);
        List<Types> compared = new ArrayList<>();
        for (KernelModule oldModule : oldModules) {
            compared.add(source.compare(source.newKernels, oldModule));
        }
        return compared;
    }

    /**
     * Compares the types of two builds, each with the kernels of its own side; trivially so if they are the same build.
     *
     * @throws SwapException if they are not to be found
     */
    public static Types compare(
            KernelTypes oldKernels, KernelModule oldModule, KernelTypes newKernels, KernelModule newModule)
            throws IOException, SwapException {
        return new TypeSource(newKernels, newModule).compare(oldKernels, oldModule);
    }

    /** The same, but types that are not to be found are a fact, too. */
    public static Types compareIfKnown(
            KernelTypes oldKernels, KernelModule oldModule, KernelTypes newKernels, KernelModule newModule)
            throws IOException {
        try {
            return compare(oldKernels, oldModule, newKernels, newModule);
        } catch (SwapException e) {
            return Types.unknown(String.valueOf(e.getMessage()));
        }
    }

    private Types compare(KernelTypes oldKernels, KernelModule oldModule) throws IOException, SwapException {
        if (isSame(oldModule, newModule)) {
            return Types.same();
        }
        try {
            Btf oldTypes = types(oldKernels, oldModule);
            if (newTypes == null) {
                newTypes = types(newKernels, newModule);
            }
            return new BtfTypes(oldTypes, newTypes);
        } catch (BtfException e) {
            throw SwapException.unfit("the types of the two builds cannot be compared: " + e.getMessage());
        }
    }

    private static boolean isSame(KernelModule oldModule, KernelModule newModule) {
        return oldModule.buildId().isPresent()
                ? oldModule.buildId().equals(newModule.buildId())
                : oldModule.elf().image().mismatch(newModule.elf().image()) < 0;
    }

    private static Btf types(KernelTypes kernels, KernelModule module) throws IOException, SwapException, BtfException {
        ElfObject elf = module.elf();
        String release = module.info("vermagic").split(" ", 2)[0];
        Optional<VmlinuxBtf> kernel = module.isLoadable() ? kernels.of(release) : Optional.empty();
        if (kernel.isPresent() || elf.section(".BTF.base").isPresent()) {
            Optional<Btf> split = ModuleBtf.of(elf, kernel.map(VmlinuxBtf::types));
            if (split.isPresent()) {
                return split.get();
            }
        }
        if (elf.section(".debug_info").isPresent()) {
            return DwarfTypes.of(elf, kernel);
        }
        Optional<ElfSection> own = elf.section(".BTF");
        if (own.isPresent() && !module.isLoadable()) {
            return Btf.parse(elf.name(), elf.content(own.get()));
        }
        throw SwapException.unfit("the types of " + elf.name()
                + (own.isPresent()
                        ? " cannot be read without the image of the kernel that it was built for: get it with"
                                + " kmolt lab kernel fetch " + release
                        : " are not known, as it has neither BTF nor debugging information: build it with -g, and do"
                                + " not strip it"));
    }
}
