package io.kmolt.module;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The signature that may stand behind a module's ELF image.
 *
 * <p>Format: {@code scripts/sign-file.c} and {@code struct module_signature} ({@code include/linux/module_signature.h}).
 */
public final class Signature {
    private static final byte[] MARKER = "~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_SIZE = 12;
    private static final int LENGTH_OFFSET = 8;

    private Signature() {}

    /** How many bytes of a module's file are its signature, with all that belongs to it; 0 if it is not signed. */
    public static int size(byte[] file) {
        int end = file.length - MARKER.length;
        if (end < HEADER_SIZE || !Arrays.equals(file, end, file.length, MARKER, 0, MARKER.length)) {
            return 0;
        }
        int length = ByteBuffer.wrap(file).getInt(end - HEADER_SIZE + LENGTH_OFFSET);
        long size = (long) MARKER.length + HEADER_SIZE + Integer.toUnsignedLong(length);
        return size <= file.length ? (int) size : 0;
    }

    /** A module's file without its signature. */
    public static byte[] strip(byte[] file) {
        int size = size(file);
        return size == 0 ? file : Arrays.copyOf(file, file.length - size);
    }
}
