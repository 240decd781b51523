package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * An edition that a target's core knows.
 *
 * @param name its update module
 * @param state as the core says: {@code current}, {@code superseded}, {@code retired} …
 * @param buildId build-id of the build that it was linked from
 * @param previous who answered before it: an edition, or {@code base}
 */
record LoadedEdition(String name, String state, String buildId, String previous) {
    private static final String BASE = "base";

    private static LoadedEdition read(Target target, String folder, String name) throws TargetException {
        String path = folder + "/" + name;
        return new LoadedEdition(
                name,
                target.readText(path + "/state"),
                target.readText(path + "/build_id"),
                target.readText(path + "/previous"));
    }

    /** The editions that were committed one after another and stand, the one that answers last. */
    static List<LoadedEdition> chain(Target target, String module) throws TargetException {
        String folder = Core.SYSFS + "/modules/" + module;
        List<LoadedEdition> chain = new ArrayList<>();
        if (target.exists(folder)) {
            for (String name = target.readText(folder + "/current"); !name.equals(BASE); ) {
                LoadedEdition edition = read(target, folder, name);
                chain.add(edition);
                name = edition.previous();
            }
        }
        Collections.reverse(chain);
        return chain;
    }
}
