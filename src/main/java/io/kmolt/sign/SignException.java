package io.kmolt.sign;

import java.io.IOException;

/** A key or a certificate cannot be used; the message names the file, the cause and the next step. */
public final class SignException extends IOException {
    private static final long serialVersionUID = 1L;

    SignException(String message) {
        super(message);
    }

    SignException(String message, Throwable cause) {
        super(message, cause);
    }
}
