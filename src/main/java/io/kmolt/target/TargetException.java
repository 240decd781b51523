package io.kmolt.target;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** An operation on a target failed; the message names the object, the cause and, where there is one, the next step. */
public class TargetException extends IOException {
    public TargetException(String message) {
        super(message);
    }

    public TargetException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
