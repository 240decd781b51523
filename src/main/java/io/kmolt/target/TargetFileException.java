package io.kmolt.target;

/** A file, folder or device of the target could not be read, written or opened. */
public final class TargetFileException extends TargetException {
    private final String path;
    private final Errno errno;

    public TargetFileException(String verb, String path, Errno errno, String detail) {
        super("cannot " + verb + " " + path + ": " + (detail.isBlank() ? errno.text() : detail) + " (" + errno + ")");
        this.path = path;
        this.errno = errno;
    }

    /** The path as the caller gave it. */
    public String path() {
        return path;
    }

    /** The system's error; {@link Errno#UNKNOWN} when the target did not tell. */
    public Errno errno() {
        return errno;
    }
}
