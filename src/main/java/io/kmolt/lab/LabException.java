package io.kmolt.lab;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The lab could not do what was asked; the message names the cause and the next step. */
public class LabException extends IOException {
    public LabException(String message) {
        super(message);
    }

    public LabException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
