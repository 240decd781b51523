package io.kmolt.target;

/** The kernel refused to load a module. */
public final class ModuleLoadException extends TargetException {
    private final String module;
    private final Errno errno;
    private final String log;

    public ModuleLoadException(String target, String module, Errno errno, String log) {
        super("the kernel of " + target + " refused module " + module + ": " + errno + " (" + errno.text() + ")"
                + (log.isBlank() ? "; the kernel log says nothing" : "; the kernel log says:\n" + log.stripTrailing()));
        this.module = module;
        this.errno = errno;
        this.log = log;
    }

    /** The module's name as the caller gave it. */
    public String module() {
        return module;
    }

    public Errno errno() {
        return errno;
    }

    /** The lines that the kernel log gained during the attempt. */
    public String log() {
        return log;
    }
}
