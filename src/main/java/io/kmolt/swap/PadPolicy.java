package io.kmolt.swap;

import io.kmolt.link.Pads;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * When tables lead to functions through jump pads.
 *
 * <p>An edition whose functions stand in tables costs nothing per call, but stays in memory until its base goes: the kernel
 * may have copied their addresses. A pad costs two instructions per call, and lets an edition go after its revert. So the
 * first editions of a module are linked without pads, and all later ones with them: memory is bounded, whatever happens.
 */
final class PadPolicy {
    /** So many editions of a module may stay in memory before pads are used. */
    static final int LIMIT = 4;

    private PadPolicy() {}

    /** What the next edition of a module is linked with. */
    static Pads of(Target target, CoreState state, String module) throws TargetException {
        List<LoadedEdition> staying = staying(state, module);
        return staying.size() < LIMIT
                ? Pads.NONE
                : new Pads(
                        true,
                        loaded(target, staying.stream().map(LoadedEdition::name).collect(Collectors.toSet())));
    }

    /** What an operator should know of it; empty if there is nothing. */
    static List<String> notes(CoreState state, String module) {
        int staying = staying(state, module).size();
        return staying < LIMIT
                ? List.of()
                : List.of("tables lead through jump pads, 2 instructions a call, since %d builds stay in memory"
                        .formatted(staying));
    }

    private static List<LoadedEdition> staying(CoreState state, String module) {
        return state.module(module).stream()
                .flatMap(m -> m.editions().stream())
                // What was never committed may yet go.
                .filter(e -> e.sticky() && e.pauseNanos() > 0)
                .toList();
    }

    /** The pads of these updates, by what their symbols say: {@code kmolt_pad.ADDRESS.NAME}. */
    private static Map<Long, Long> loaded(Target target, Set<String> updates) throws TargetException {
        String lines = target.run("grep -F ' " + Pads.SYMBOL + "' /proc/kallsyms; true", Target.DEFAULT_TIMEOUT)
                .stdout();
        return parse(lines, updates);
    }

    static Map<Long, Long> parse(String kallsyms, Set<String> updates) {
        Map<Long, Long> pads = new HashMap<>();
        for (String line : kallsyms.lines().toList()) {
            String[] words = line.split("\\s+");
            if (words.length == 4 && updates.contains(words[3].replaceAll("[\\[\\]]", ""))) {
                String base = words[2].substring(Pads.SYMBOL.length()).split("\\.")[0];
                pads.put(Long.parseUnsignedLong(base, 16), Long.parseUnsignedLong(words[0], 16));
            }
        }
        return pads;
    }
}
