package io.kmolt.edition;

/** What people call functions: {@code NAME}, {@code MODULE:NAME}, with {@code ,N} for the Nth of that name. */
final class Labels {
    private Labels() {}

    /** The module that it is in; empty for vmlinux. */
    static String object(String label) {
        int colon = label.indexOf(':');
        return colon < 0 ? "" : label.substring(0, colon);
    }

    /** Its name in the kernel. */
    static String name(String label) {
        String name = label.substring(label.indexOf(':') + 1);
        int comma = name.indexOf(',');
        return comma < 0 ? name : name.substring(0, comma);
    }
}
