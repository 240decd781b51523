package io.kmolt.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/**
 * How far a long operation is, on standard error: on a terminal a bar that is drawn over and over, elsewhere a line for
 * each tenth.
 */
final class ProgressBar implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final long REDRAW_NANOS = Duration.ofMillis(100).toNanos();
    private static final int LONGEST_NAME = 30;

    private final PrintWriter err;
    private final boolean terminal;
    private final long begin = System.nanoTime();
    private long drawn;
    private int tenths;
    private boolean open;

    ProgressBar(PrintWriter err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /** A bar on standard error. */
    static ProgressBar on(PrintWriter err) {
        return new ProgressBar(err, isTerminal());
    }

    /** {@code System.console()} would ask for all three streams to be one. */
    private static boolean isTerminal() {
        try {
            String file = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return file.startsWith("/dev/pts/") || file.startsWith("/dev/tty") || file.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** So many are done, the last of them that. */
    synchronized void update(String last, int done, int all) {
        if (terminal) {
            long now = System.nanoTime();
            if (now - drawn >= REDRAW_NANOS || done == all) {
                drawn = now;
                draw(last, done, all);
            }
        } else if (done * 10 / all > tenths) {
            tenths = done * 10 / all;
            err.printf("kmolt: %d of %d, %d s%n", done, all, seconds());
            err.flush();
        }
    }

    private void draw(String last, int done, int all) {
        int full = done * WIDTH / all;
        String name = last.length() > LONGEST_NAME ? last.substring(0, LONGEST_NAME) : last;
        // Carriage return, and "erase to the end of the line" (ECMA-48).
        err.printf(
                Locale.ROOT,
                "\r[%s%s] %d/%d, %d s, %s\033[K",
                "#".repeat(full),
                " ".repeat(WIDTH - full),
                done,
                all,
                seconds(),
                name);
        err.flush();
        open = true;
    }

    private long seconds() {
        return Duration.ofNanos(System.nanoTime() - begin).toSeconds();
    }

    @Override
    public synchronized void close() {
        if (open) {
            err.print("\r\033[K");
            err.flush();
            open = false;
        }
    }
}
