package io.kmolt.x86;

import org.jspecify.annotations.Nullable;

/** The instruction decoder is not installed, or in a version that kmolt does not know. */
public final class DecoderUnavailableException extends RuntimeException {
    /** The Debian package that helps. */
    public static final String PACKAGE = "libzydis4.0";

    DecoderUnavailableException(String problem, @Nullable Throwable cause) {
        super(problem + ": install the package " + PACKAGE, cause);
    }
}
