package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.SystemCalls.SystemCallException;

/**
 * This machine's kernel log from a moment on, through {@code /dev/kmsg}: each read yields one record {@code
 * prefix;text}, continuation lines begin with a space (Documentation/ABI/testing/dev-kmsg).
 *
 * <p>Where the log cannot be read, it is empty: it only decorates messages.
 */
final class KernelLog implements AutoCloseable {
    private static final int RECORD = 8192;
    private final int fd;

    private KernelLog(int fd) {
        this.fd = fd;
    }

    static KernelLog fromNow() {
        try {
            int fd = SystemCalls.open(
                    "/dev/kmsg", SystemCalls.O_RDONLY | SystemCalls.O_NONBLOCK | SystemCalls.O_CLOEXEC);
            SystemCalls.seekToEnd(fd);
            return new KernelLog(fd);
        } catch (SystemCallException e) {
            return new KernelLog(-1);
        }
    }

    /** The lines that came since the last call, each ended by a newline. */
    String lines() {
        StringBuilder lines = new StringBuilder();
        while (fd >= 0) {
            try {
                String record = new String(SystemCalls.read(fd, RECORD), UTF_8);
                String text = record.substring(record.indexOf(';') + 1);
                lines.append(text.lines().findFirst().orElse("")).append('\n');
            } catch (SystemCallException e) {
                if (e.errno() != Errno.EPIPE) { // EPIPE: records were overwritten; the next read goes on after them
                    break;
                }
            }
        }
        return lines.toString();
    }

    @Override
    public void close() {
        if (fd >= 0) {
            try {
                SystemCalls.close(fd);
            } catch (SystemCallException e) {
                // Nothing is lost: it was only read.
            }
        }
    }
}
