package io.kmolt.lab;

import io.kmolt.target.LocalTarget;
import io.kmolt.target.ShellQuote;
import io.kmolt.target.ShellTarget;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.List;

/** Targets by name. */
public final class Targets {
    /** Becomes root on the other side, unless it is root already; never asks. */
    private static final String ROOT_SHELL = "if [ \"$(id -u)\" = 0 ]; then exec sh; else exec sudo -n sh; fi";

    private Targets() {}

    /**
     * Opens a target.
     *
     * @param name {@code local}, {@code lab:NAME} (a guest that runs) or {@code ssh:[USER@]HOST}
     * @throws IllegalArgumentException when it is none of these
     * @throws IOException when the target cannot be reached
     */
    public static Target parse(String name) throws IOException {
        if (name.equals("local")) {
            return new LocalTarget();
        }
        if (name.startsWith("lab:")) {
            return NamedGuests.ofUser().attach(name.substring("lab:".length())).openShell();
        }
        if (name.startsWith("ssh:") && name.length() > "ssh:".length()) {
            String host = name.substring("ssh:".length());
            if (host.startsWith("-")) {
                throw new IllegalArgumentException("\"" + host + "\" is no host");
            }
            return ShellTarget.overProcess(name, ssh(host));
        }
        throw new IllegalArgumentException("\"" + name + "\" is no target: local, lab:NAME or ssh:USER@HOST");
    }

    /** The last word is for the other side's login shell to interpret. */
    static List<String> ssh(String host) {
        return List.of("ssh", "-T", "-o", "BatchMode=yes", host, "exec sh -c " + ShellQuote.word(ROOT_SHELL));
    }
}
