package io.kmolt.btf;

import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A module's BTF, wherever it comes from. */
public final class ModuleBtf {
    private ModuleBtf() {}

    /**
     * Reads a module's BTF, or makes it from its debugging information if it has none.
     *
     * @param module a {@code .ko}
     * @param vmlinuz the image of the kernel that it was built for
     * @throws BtfException if it has neither, or what it has is malformed
     * @throws IOException if a file cannot be read
     */
    public static Btf read(Path module, Path vmlinuz) throws BtfException, IOException {
        Btf base = VmlinuxBtf.fromImage(vmlinuz);
        ElfObject object;
        try {
            object = ElfObject.read(module);
        } catch (ElfException e) {
            throw new BtfException(module.toString(), e.problem(), e);
        }
        Optional<Btf> own = of(object, base);
        return own.isPresent()
                ? own.get()
                : Btf.parseSplit(module.toString(), Pahole.encode(module, VmlinuxBtf.file(vmlinuz)), base);
    }

    /**
     * The BTF that a module carries; empty if it carries none.
     *
     * <p>Builds outside the kernel tree may, from 6.11 on, bring the few base types that they refer to along, in
     * {@code .BTF.base} ({@code btf_parse_module} in {@code kernel/bpf/btf.c}); these then take the base's place.
     *
     * @param base the BTF of the kernel that it was built for
     * @throws BtfException if it is malformed, as it will look if it belongs to another base
     */
    public static Optional<Btf> of(ElfObject module, Btf base) throws BtfException {
        var section = module.section(".BTF");
        if (section.isEmpty()) {
            return Optional.empty();
        }
        var distilled = module.section(".BTF.base");
        Btf from = distilled.isPresent()
                ? Btf.parse(module.name() + " (.BTF.base)", module.content(distilled.get()))
                : base;
        return Optional.of(Btf.parseSplit(module.name(), module.content(section.get()), from));
    }
}
