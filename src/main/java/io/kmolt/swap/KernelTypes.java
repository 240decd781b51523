package io.kmolt.swap;

import io.kmolt.btf.BtfException;
import io.kmolt.btf.VmlinuxBtf;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The types of kernels, which those of modules refer to. Each kernel's are read once. Safe to share between threads. */
public final class KernelTypes {
    private final KernelImages images;
    private final Map<Path, VmlinuxBtf> known = new HashMap<>();

    public KernelTypes(KernelImages images) {
        this.images = images;
    }

    /** The types of a kernel; empty if its image is not to be found. */
    synchronized Optional<VmlinuxBtf> of(String release) throws IOException, BtfException {
        Optional<Path> image = images.find(release);
        if (image.isEmpty()) {
            return Optional.empty();
        }
        VmlinuxBtf types = known.get(image.get());
        if (types == null) {
            types = VmlinuxBtf.read(image.get());
            known.put(image.get(), types);
        }
        return Optional.of(types);
    }
}
