package io.kmolt.btf;

/**
 * Type information that cannot be used: malformed, cut short, or not to be had. Says whose it is and, for malformed
 * bytes, at which offset.
 */
public final class BtfException extends Exception {
    /** The offset of a complaint that is not about particular bytes. */
    public static final long NO_OFFSET = -1;

    private final String subject;
    private final long offset;

    /** A complaint about the bytes of {@code subject} at {@code offset}, counted from the start of the BTF. */
    public BtfException(String subject, long offset, String complaint) {
        super("%s: BTF offset 0x%x: %s".formatted(subject, offset, complaint));
        this.subject = subject;
        this.offset = offset;
    }

    /** A complaint about {@code subject} as a whole. */
    public BtfException(String subject, String complaint) {
        super(subject + ": " + complaint);
        this.subject = subject;
        this.offset = NO_OFFSET;
    }

    /** A complaint about {@code subject} as a whole, with what led to it. */
    public BtfException(String subject, String complaint, Throwable cause) {
        super(subject + ": " + complaint, cause);
        this.subject = subject;
        this.offset = NO_OFFSET;
    }

    /** Whose type information it is: the name that was given when it was read. */
    public String subject() {
        return subject;
    }

    /** The offset in bytes from the start of the BTF, or {@link #NO_OFFSET}. */
    public long offset() {
        return offset;
    }
}
