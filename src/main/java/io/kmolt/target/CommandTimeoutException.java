package io.kmolt.target;

import java.time.Duration;

/** A command or a conversation took longer than its limit; the command was killed. */
public final class CommandTimeoutException extends TargetException {
    private final String stdout;
    private final String stderr;

    public CommandTimeoutException(String target, String what, Duration limit, String stdout, String stderr) {
        super("on " + target + ": not done within " + limit.toMillis() / 1000.0 + " s, given up: " + what);
        this.stdout = stdout;
        this.stderr = stderr;
    }

    /** What it had printed until then. */
    public String stdout() {
        return stdout;
    }

    /** What it had printed to standard error until then. */
    public String stderr() {
        return stderr;
    }
}
