package io.kmolt.x86;

/** Bytes that are no x86-64 instruction. */
public final class DecodeException extends Exception {
    private final int offset;

    DecodeException(int offset, String problem) {
        super("offset 0x" + Integer.toHexString(offset) + ": " + problem);
        this.offset = offset;
    }

    /** Where they are, in the code that was decoded. */
    public int offset() {
        return offset;
    }
}
