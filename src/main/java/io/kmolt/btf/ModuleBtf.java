package io.kmolt.btf;

import io.kmolt.elf.ElfObject;
import java.util.Optional;

/** A module's BTF, wherever it comes from. */
public final class ModuleBtf {
    private ModuleBtf() {}

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
        return of(module, Optional.of(base));
    }

    /**
     * The same where the kernel may not be at hand.
     *
     * @throws BtfException also if it is needed and is not
     */
    public static Optional<Btf> of(ElfObject module, Optional<Btf> base) throws BtfException {
        var section = module.section(".BTF");
        if (section.isEmpty()) {
            return Optional.empty();
        }
        var distilled = module.section(".BTF.base");
        Btf from = distilled.isPresent()
                ? Btf.parse(module.name() + " (.BTF.base)", module.content(distilled.get()))
                : base.orElseThrow(() -> new BtfException(module.name(), "the BTF that it refers to is not at hand"));
        return Optional.of(Btf.parseSplit(module.name(), module.content(section.get()), from));
    }
}
