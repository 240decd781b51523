package io.kmolt.target;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Framed requests over a stream to a POSIX shell.
 *
 * <p>A request is a command that prints {@code RS<NONCE}, its data, {@code RS|NONCE}, more data and at last {@code
 * RS>NONCE STATUS} and a newline, where RS is the byte 0x1e and the nonce is random for the link and numbered for the
 * request. Whatever else arrives between frames (a login banner, the output of a stray background process, the late
 * frame of a request that was given up) is skipped.
 *
 * <p>Not safe for use by several threads.
 */
final class ShellLink implements AutoCloseable {
    private static final String RS = "\\036"; // as printf writes it
    private static final char RS_BYTE = '\036';

    private final String name;
    private final OutputStream out;
    private final ByteQueue in;
    private final Runnable closer;
    private final Supplier<Epitaph> epitaph;
    private final String nonce;
    private long sequence;

    /** The last request whose begin mark was taken. */
    private @Nullable Request begun;

    private volatile boolean lost;

    /**
     * @param closer ends what is behind the streams
     * @param epitaph asked when the link is lost: what else is known
     */
    ShellLink(String name, InputStream in, OutputStream out, Runnable closer, Supplier<Epitaph> epitaph) {
        this.name = name;
        this.out = out;
        this.in = new ByteQueue(in, name);
        this.closer = closer;
        this.epitaph = epitaph;
        byte[] random = new byte[10];
        new SecureRandom().nextBytes(random);
        this.nonce = HexFormat.of().formatHex(random);
    }

    /** A request that was sent: its number makes its frame recognisable. */
    record Request(String id) {
        String begin() {
            return "printf '" + RS + "<" + id + "\\n'";
        }

        String middle() {
            return "printf '" + RS + "|" + id + "\\n'";
        }

        /** @param status a shell expression */
        String end(String status) {
            return "printf '" + RS + ">" + id + " %d\\n' " + status;
        }
    }

    /** What a frame held: the data before and after its middle mark (which may be missing), and the status. */
    static final class Frame {
        private final byte[] data;
        private final byte[] more;
        private final int status;

        Frame(byte[] data, byte[] more, int status) {
            this.data = data;
            this.more = more;
            this.status = status;
        }

        byte[] data() {
            return data;
        }

        String text() {
            return new String(data, UTF_8);
        }

        String moreText() {
            return new String(more, UTF_8);
        }

        int status() {
            return status;
        }
    }

    /** Random letters and digits, the same for the life of the link. */
    String nonce() {
        return nonce;
    }

    Request next() {
        return new Request(nonce + "." + ++sequence);
    }

    /** Sends shell text as it is. */
    void send(String text) throws TargetLostException {
        send(text.getBytes(UTF_8));
    }

    /** Sends something large; a partner that stops taking it is given up. */
    void send(byte[] bytes, Duration timeout) throws TargetLostException {
        AtomicReference<@Nullable TargetLostException> failure = new AtomicReference<>();
        Thread sender = Thread.ofPlatform().daemon().name("kmolt-send-" + name).start(() -> {
            try {
                send(bytes);
            } catch (TargetLostException e) {
                failure.set(e);
            }
        });
        try {
            if (!sender.join(timeout)) {
                throw lose("it does not take what it is sent", null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw lose("the wait was interrupted", e);
        }
        TargetLostException thrown = failure.get();
        if (thrown != null) {
            throw thrown;
        }
    }

    private void send(byte[] bytes) throws TargetLostException {
        if (lost) {
            throw lostException("was lost before", null);
        }
        try {
            out.write(bytes);
            out.flush();
        } catch (IOException e) {
            throw lose("the connection broke", e);
        }
    }

    /** Waits for a request's begin mark; what stands before it is dropped. False: not in time. */
    boolean awaitBegin(Request request, Duration timeout) throws TargetLostException {
        return take(mark('<', request) + "\n", deadline(timeout)) != null;
    }

    /** Waits for a request's whole frame. Null: not in time; the frame may still come, and can be waited for again. */
    @Nullable
    Frame await(Request request, Duration timeout) throws TargetLostException {
        long deadline = deadline(timeout);
        if (!request.equals(begun)) {
            if (take(mark('<', request) + "\n", deadline) == null) {
                return null;
            }
            begun = request;
        }
        return finish(request, deadline);
    }

    /** Waits for the rest of a frame whose begin mark has been taken. */
    @Nullable
    Frame awaitEnd(Request request, Duration timeout) throws TargetLostException {
        return finish(request, deadline(timeout));
    }

    private @Nullable Frame finish(Request request, long deadline) throws TargetLostException {
        byte[] body = take(mark('>', request), deadline);
        if (body == null) {
            return null;
        }
        byte[] status = take("\n", deadline);
        if (status == null) {
            return null;
        }
        int code;
        try {
            code = Integer.parseInt(new String(status, US_ASCII).strip());
        } catch (NumberFormatException e) {
            throw lose("garbled a status: " + new String(status, UTF_8), e);
        }
        byte[] middle = (mark('|', request) + "\n").getBytes(US_ASCII);
        int at = indexOf(body, middle);
        return at < 0
                ? new Frame(body, new byte[0], code)
                : new Frame(Arrays.copyOf(body, at), Arrays.copyOfRange(body, at + middle.length, body.length), code);
    }

    private static int indexOf(byte[] body, byte[] what) {
        for (int i = 0; i <= body.length - what.length; i++) {
            if (Arrays.equals(body, i, i + what.length, what, 0, what.length)) {
                return i;
            }
        }
        return -1;
    }

    private byte @Nullable [] take(String marker, long deadline) throws TargetLostException {
        try {
            byte[] taken = in.takeUntil(marker.getBytes(US_ASCII), deadline);
            if (taken == null && in.ended()) {
                throw lose("the connection ended", null);
            }
            return taken;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw lose("the wait was interrupted", e);
        }
    }

    private static String mark(char kind, Request request) {
        return "" + RS_BYTE + kind + request.id();
    }

    private static long deadline(Duration timeout) {
        return System.nanoTime() + timeout.toNanos();
    }

    /** Declares the link dead and ends it. */
    TargetLostException lose(String why, @Nullable Throwable cause) {
        TargetLostException e = lostException(why, cause);
        close();
        return e;
    }

    private TargetLostException lostException(String why, @Nullable Throwable cause) {
        String said = new String(in.drain(), UTF_8).strip();
        String last = said.isEmpty() ? "" : "; it said last: " + said.substring(Math.max(0, said.length() - 500));
        Epitaph end = epitaph.get();
        String more = end.text().isBlank() ? "" : "\n" + end.text().strip();
        return new TargetLostException(name + " is lost: " + why + last + more, end.crashed(), cause);
    }

    boolean isLost() {
        return lost;
    }

    @Override
    public void close() {
        if (!lost) {
            lost = true;
            in.stop();
            closer.run();
        }
    }
}
