package io.kmolt.demo;

import java.io.IOException;
import java.nio.file.Path;

/** Something that the demonstration uses was not built. */
public final class DemoFileMissingException extends IOException {
    private static final long serialVersionUID = 1L;

    DemoFileMissingException(Path file) {
        super(file + " is missing; build it with: make fixtures");
    }
}
