package io.kmolt.target;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stream read with deadlines: a thread pumps it into a bounded queue, so that a full queue holds the sender back.
 *
 * <p>One reader at a time.
 */
final class ByteQueue {
    private static final int CHUNK = 64 * 1024;
    private static final byte[] END = new byte[0];

    private final BlockingQueue<byte[]> chunks = new ArrayBlockingQueue<>(256);
    private final Thread pump;
    private byte[] pending = new byte[CHUNK];
    private int start;
    private int end;
    private boolean ended;

    ByteQueue(InputStream in, String name) {
        pump = Thread.ofPlatform().daemon().name("kmolt-read-" + name).start(() -> pump(in));
    }

    private void pump(InputStream in) {
        byte[] chunk = new byte[CHUNK];
        try {
            try {
                for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                    if (n > 0) {
                        chunks.put(Arrays.copyOf(chunk, n));
                    }
                }
            } catch (IOException e) {
                // A stream that breaks is a stream that ended: the reader learns no more from the difference.
            }
            chunks.put(END);
        } catch (InterruptedException e) {
            // Stopped, perhaps while somebody waits for what comes: nothing does.
            chunks.clear();
            chunks.add(END);
        }
    }

    /** Stops pumping; what has not been read is dropped. */
    void stop() {
        pump.interrupt();
    }

    /** Whether the end of the stream has been seen: what has not been taken by now is all that there will be. */
    boolean ended() {
        return ended;
    }

    /**
     * Takes everything up to and including the next occurrence of a marker.
     *
     * @param deadline on the {@link System#nanoTime} clock
     * @return the bytes before the marker; null when it has not come by the deadline or before the end of the stream
     *     ({@link #ended} tells which): nothing is taken then
     */
    byte @Nullable [] takeUntil(byte[] marker, long deadline) throws InterruptedException {
        int from = start;
        while (true) {
            int at = indexOf(marker, from);
            if (at >= 0) {
                byte[] taken = Arrays.copyOfRange(pending, start, at);
                start = at + marker.length;
                return taken;
            }
            int seen = Math.max(start, end - marker.length + 1) - start;
            if (!fill(deadline)) {
                return null;
            }
            from = start + seen;
        }
    }

    /** Everything that has arrived and was not taken; for messages. */
    byte[] drain() {
        while (true) {
            byte[] chunk = chunks.poll();
            if (chunk == null) {
                break;
            }
            append(chunk);
        }
        byte[] taken = Arrays.copyOfRange(pending, start, end);
        start = end;
        return taken;
    }

    private boolean fill(long deadline) throws InterruptedException {
        if (ended) {
            return false;
        }
        byte[] chunk = chunks.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        if (chunk == null) {
            return false;
        }
        append(chunk);
        return !ended;
    }

    private void append(byte[] chunk) {
        if (chunk.length == 0) {
            ended = true;
            return;
        }
        if (pending.length - end < chunk.length) {
            int size = end - start;
            byte[] larger =
                    pending.length - size >= chunk.length && start > size ? pending : new byte[2 * size + chunk.length];
            System.arraycopy(pending, start, larger, 0, size);
            pending = larger;
            start = 0;
            end = size;
        }
        System.arraycopy(chunk, 0, pending, end, chunk.length);
        end += chunk.length;
    }

    private int indexOf(byte[] marker, int from) {
        for (int i = from; i <= end - marker.length; i++) {
            if (pending[i] == marker[0] && Arrays.equals(pending, i, i + marker.length, marker, 0, marker.length)) {
                return i;
            }
        }
        return -1;
    }
}
