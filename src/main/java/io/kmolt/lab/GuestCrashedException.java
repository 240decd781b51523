package io.kmolt.lab;

/** A guest's kernel panicked, or the guest ended while it was needed. */
public final class GuestCrashedException extends LabException {
    private final String log;

    public GuestCrashedException(String message, String log) {
        super(message + (log.isBlank() ? "" : "; its kernel log:\n" + log.stripTrailing()));
        this.log = log;
    }

    /** The part of the kernel log that shows it. */
    public String log() {
        return log;
    }
}
