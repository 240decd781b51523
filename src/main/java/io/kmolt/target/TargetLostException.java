package io.kmolt.target;

import org.jspecify.annotations.Nullable;

/** The connection to the target ended, or its shell no longer answers; what was asked last may or may not be done. */
public final class TargetLostException extends TargetException {
    public TargetLostException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
