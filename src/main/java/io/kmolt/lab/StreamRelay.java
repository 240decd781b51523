package io.kmolt.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Copies a stream to another, as it comes, up to a marker.
 *
 * <p>Only bytes that could begin the marker are held back, and no longer than until the next one tells. The marker's
 * first byte must not occur in it again.
 */
final class StreamRelay {
    private final byte[] marker;
    private int matched;

    StreamRelay(byte[] marker) {
        this.marker = marker.clone();
    }

    /** Returns true when the marker came, false when the stream ended before it. */
    boolean copy(InputStream in, OutputStream out) throws IOException {
        byte[] chunk = new byte[64 * 1024];
        for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
            boolean done = accept(chunk, n, out);
            out.flush();
            if (done) {
                return true;
            }
        }
        out.write(marker, 0, matched);
        out.flush();
        return false;
    }

    private boolean accept(byte[] chunk, int length, OutputStream out) throws IOException {
        int from = 0; // where what is neither written nor matched begins
        for (int i = 0; i < length; i++) {
            if (matched > 0 && chunk[i] != marker[matched]) {
                out.write(marker, 0, matched);
                matched = 0;
                from = i;
            }
            if (chunk[i] == marker[matched]) {
                if (matched == 0) {
                    out.write(chunk, from, i - from);
                }
                matched++;
                from = i + 1;
                if (matched == marker.length) {
                    return true;
                }
            }
        }
        if (matched == 0) {
            out.write(chunk, from, length - from);
        }
        return false;
    }
}
