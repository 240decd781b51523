package io.kmolt.link;

import io.kmolt.module.Item;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * The way back to a build that the new one is linked on.
 *
 * @param name its update module; empty for the base
 * @param used whether the new build uses what that one brought into the kernel, so that it must stay as long
 * @param home redirects back to it
 * @param reverting functions of the new build that must be empty to go back to it
 */
record Way(String name, boolean used, List<Redirects.Home> home, Collection<Item> reverting) {

    /** The ways to all layers, the base first. */
    static List<Way> of(LinkInput input, Sharing sharing, List<Redirects> redirects) {
        List<Way> ways = new ArrayList<>();
        for (int i = 0; i < redirects.size(); i++) {
            Layer layer = input.layers().get(i);
            ways.add(new Way(
                    i == 0 ? "" : layer.running().name(),
                    sharing.uses(layer.running().name()),
                    redirects.get(i).home(),
                    Quiescence.toRevert(layer, redirects.get(i)::leadsHome)));
        }
        return List.copyOf(ways);
    }
}
