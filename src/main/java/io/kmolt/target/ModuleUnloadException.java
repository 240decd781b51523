package io.kmolt.target;

/** The kernel refused to unload a module; {@code EAGAIN} (also called {@code EWOULDBLOCK}): it is in use. */
public final class ModuleUnloadException extends TargetException {
    private final String module;
    private final Errno errno;

    public ModuleUnloadException(String target, String module, Errno errno) {
        super("the kernel of " + target + " would not unload module " + module + ": " + reason(errno));
        this.module = module;
        this.errno = errno;
    }

    private static String reason(Errno errno) {
        return switch (errno) {
            case EAGAIN -> "it is in use (EAGAIN); see /sys/module/NAME/refcnt and holders";
            case ENOENT -> "no such module is loaded (ENOENT)";
            default -> errno.text() + " (" + errno + ")";
        };
    }

    public String module() {
        return module;
    }

    public Errno errno() {
        return errno;
    }
}
