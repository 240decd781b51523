package io.kmolt.edition;

import io.kmolt.diff.Exports;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import io.kmolt.module.KernelModule;
import java.util.List;
import java.util.Set;

/** What the core must offer to modules that are linked for it. */
final class CoreExports {
    private CoreExports() {}

    /** A refusal for each function that a core does not export. */
    static List<Refusal> missing(KernelModule core, List<String> names) {
        Set<String> exported = Exports.crcs(core).keySet();
        return names.stream()
                .filter(name -> !exported.contains(name))
                .map(name -> new Refusal(
                        Kind.OTHER_KERNEL,
                        "kmolt",
                        "the core for this kernel has no %s: it is older than this kmolt; build it anew: make core"
                                .formatted(name)))
                .toList();
    }
}
