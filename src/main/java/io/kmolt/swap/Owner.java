package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;

/**
 * Who has {@code /dev/kmolt} open.
 *
 * @param text of {@code /sys/kernel/kmolt/owner}: {@code none}, or {@code PID NAME}, with {@code closing} behind it while the
 *     core takes back what he has left behind
 */
public record Owner(String text) {
    static final String NONE = "none";
    private static final String CLOSING = " closing";

    /** Nobody where the core is not loaded. */
    static Owner of(Target target) throws TargetException {
        String file = Core.SYSFS + "/owner";
        return new Owner(target.exists(file) ? target.readText(file) : NONE);
    }

    public boolean isNone() {
        return text.isEmpty() || text.equals(NONE);
    }

    boolean isClosing() {
        return text.endsWith(CLOSING);
    }

    /** For people. */
    @Override
    public String toString() {
        if (isNone()) {
            return NONE;
        }
        String who = isClosing() ? text.substring(0, text.length() - CLOSING.length()) : text;
        return "pid " + who.replaceFirst(" ", " (") + ")" + (isClosing() ? ", whose work is being taken back" : "");
    }
}
