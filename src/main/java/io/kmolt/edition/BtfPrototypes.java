package io.kmolt.edition;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.FunctionPrototypes;
import io.kmolt.btf.ModuleBtf;
import io.kmolt.btf.Pahole;
import io.kmolt.btf.Prototype;
import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prototypes from BTF.
 *
 * @param editions types of the file with editions
 * @param objects types of vmlinux, under an empty name, and of modules by their names
 */
public record BtfPrototypes(Btf editions, Map<String, Btf> objects) implements Prototypes {
    public BtfPrototypes {
        objects = Map.copyOf(objects);
    }

    /**
     * Reads what is known of a file's editions and of the functions that they stand in for.
     *
     * @param types of the kernel that the file was built for and that runs
     * @throws BtfException if the file has neither types nor debugging information, or pahole is missing or fails
     */
    static BtfPrototypes read(EditionFile file, KernelTypes types) throws BtfException, IOException {
        return new BtfPrototypes(editions(file.elf(), types), types.objects());
    }

    /** The types that a file carries, or else what pahole makes of its debugging information. */
    private static Btf editions(ElfObject file, KernelTypes types) throws BtfException, IOException {
        Optional<Btf> own = ModuleBtf.of(file, types.vmlinux());
        if (own.isPresent()) {
            return own.get();
        }
        return Btf.parseSplit(file.name(), Pahole.encode(file, types.raw()), types.vmlinux());
    }

    @Override
    public Verdict compare(String edition, String function, String object) {
        Btf types = objects.get(object);
        if (types == null) {
            return new Verdict.Unknown("there is no type information of module " + object);
        }
        if (function.contains(".")) {
            return new Verdict.Unknown("the compiler changed how " + function + " is called; see how it does it");
        }
        if (FunctionPrototypes.prototype(editions, edition).isEmpty()) {
            return new Verdict.Unknown("%s does not describe %s".formatted(editions.name(), edition));
        }
        List<Prototype> known = FunctionPrototypes.prototypes(types, function);
        if (known.size() != 1) {
            return new Verdict.Unknown(
                    known.isEmpty()
                            ? "%s does not describe %s".formatted(types.name(), function)
                            : "%s has several functions %s that differ".formatted(types.name(), function));
        }
        return FunctionPrototypes.incompatibility(editions, edition, types, function)
                .<Verdict>map(Verdict.Different::new)
                .orElseGet(Verdict.Same::new);
    }
}
