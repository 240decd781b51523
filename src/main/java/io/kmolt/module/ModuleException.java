package io.kmolt.module;

/** A module file that kmolt cannot work with, and why. */
public final class ModuleException extends Exception {
    private static final long serialVersionUID = 1L;

    public ModuleException(String file, String problem) {
        super(file + ": " + problem);
    }
}
