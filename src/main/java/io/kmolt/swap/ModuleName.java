package io.kmolt.swap;

import java.util.regex.Pattern;

/** Names of modules as people type them. */
final class ModuleName {
    private static final Pattern VALID = Pattern.compile("[A-Za-z0-9_]{1,55}");

    private ModuleName() {}

    /** The name as the kernel has it: with underscores. */
    static String check(String name) throws SwapException {
        String normal = name.replace('-', '_');
        if (!VALID.matcher(normal).matches()) {
            throw SwapException.unfit("\"" + name + "\" is not a module's name");
        }
        return normal;
    }
}
