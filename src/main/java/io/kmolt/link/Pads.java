package io.kmolt.link;

import java.util.Map;

/**
 * Whether tables are to lead to jump pads instead of to functions of the new build, and which pads there are.
 *
 * @param wanted whether tables lead to pads
 * @param loaded address of each pad that earlier editions of the module brought, by the address of the base's function
 *     that it stands for
 */
public record Pads(boolean wanted, Map<Long, Long> loaded) {
    /** Tables lead to functions directly. */
    public static final Pads NONE = new Pads(false, Map.of());

    /** How the name of a pad's symbol begins; the address of the base's function follows in hexadecimal. */
    public static final String SYMBOL = "kmolt_pad.";
}
