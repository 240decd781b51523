package io.kmolt.swap;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Says in stacks which build an edition is: the kernel calls code by the module that it lies in, and an edition's module has
 * a number for a name.
 */
final class StackNames {
    private static final Pattern MODULE = Pattern.compile("\\[([\\w-]+)]");
    private static final int SHORT_ID = 12;

    private final Map<String, String> builds = new HashMap<>();

    StackNames(CoreState state) {
        for (SwappedModule module : state.modules()) {
            for (LoadedEdition edition : module.editions()) {
                String id = edition.buildId();
                builds.put(
                        edition.name(),
                        module.name() + ", build-id " + id.substring(0, Math.min(SHORT_ID, id.length())));
            }
        }
    }

    List<Blocker> in(List<Blocker> blockers) {
        return blockers.stream()
                .map(b -> new Blocker(
                        b.pid(),
                        b.command(),
                        in(b.where()),
                        b.stack().stream().map(this::in).toList()))
                .toList();
    }

    /** {@code name+0x12/0x34 [kmolt_ext4_0]} becomes {@code name+0x12/0x34 [kmolt_ext4_0: ext4, build-id 0123456789ab]}. */
    private String in(String frame) {
        return MODULE.matcher(frame).replaceAll(this::named);
    }

    private String named(MatchResult module) {
        String build = builds.get(module.group(1));
        return build == null ? module.group() : "[" + module.group(1) + ": " + build + "]";
    }
}
