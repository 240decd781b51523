package io.kmolt.target;

import org.jspecify.annotations.Nullable;

/** The connection to the target ended, or its shell no longer answers; what was asked last may or may not be done. */
public final class TargetLostException extends TargetException {
    private final boolean crashed;

    public TargetLostException(String message, boolean crashed, @Nullable Throwable cause) {
        super(message, cause);
        this.crashed = crashed;
    }

    /** Whether the target itself is known to have ended. */
    public boolean crashed() {
        return crashed;
    }
}
