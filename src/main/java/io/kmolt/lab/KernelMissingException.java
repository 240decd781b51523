package io.kmolt.lab;

/** A kernel version is not in the cache. */
public final class KernelMissingException extends LabException {
    private final String version;

    public KernelMissingException(String version, String what) {
        super(what + " of kernel " + version + " is not in the cache; fetch it with: kmolt lab kernel fetch "
                + (what.equals("the headers package") ? "--headers " : "") + version);
        this.version = version;
    }

    public String version() {
        return version;
    }
}
