package io.kmolt.edition;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.swap.Facts;
import io.kmolt.swap.KernelImages;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The types of a running kernel and of some of its modules.
 *
 * @param vmlinux the kernel's own
 * @param objects of vmlinux, under an empty name, and of those modules that have any, by their names
 * @param raw a file with those of vmlinux, as {@code pahole} wants them
 */
record KernelTypes(Btf vmlinux, Map<String, Btf> objects, Path raw) {
    private static final String FOLDER = "/sys/kernel/btf/";

    /**
     * Reads them: those of vmlinux out of the kernel's image if it is at hand, all others from the target.
     *
     * @param modules names of loaded modules; an empty one is passed over
     * @throws BtfException if the kernel has none, or what it has is malformed
     */
    static KernelTypes read(Target target, KernelImages images, Collection<String> modules)
            throws IOException, BtfException {
        Optional<Path> image = images.find(Facts.release(target));
        Path raw = image.isPresent() ? VmlinuxBtf.read(image.get()).file() : copied(target);
        Map<String, byte[]> types = new HashMap<>();
        for (String module : modules) {
            if (!module.isEmpty() && target.exists(FOLDER + module)) {
                types.put(module, target.readFile(FOLDER + module));
            }
        }
        return of(raw, types);
    }

    /**
     * Takes them apart.
     *
     * @param raw a file with those of vmlinux
     * @param modules the contents of {@code /sys/kernel/btf/MODULE}, by name
     */
    static KernelTypes of(Path raw, Map<String, byte[]> modules) throws IOException, BtfException {
        Btf vmlinux = Btf.parse(FOLDER + "vmlinux", Files.readAllBytes(raw));
        Map<String, Btf> objects = new HashMap<>();
        objects.put("", vmlinux);
        for (Map.Entry<String, byte[]> module : modules.entrySet()) {
            objects.put(module.getKey(), Btf.parseSplit(FOLDER + module.getKey(), module.getValue(), vmlinux));
        }
        return new KernelTypes(vmlinux, objects, raw);
    }

    private static Path copied(Target target) throws IOException, BtfException {
        if (!target.exists(FOLDER + "vmlinux")) {
            throw new BtfException(target.describe(), "the kernel has no " + FOLDER + "vmlinux");
        }
        Path copy = Files.createTempFile("kmolt-", ".btf");
        copy.toFile().deleteOnExit();
        return Files.write(copy, target.readFile(FOLDER + "vmlinux"));
    }
}
