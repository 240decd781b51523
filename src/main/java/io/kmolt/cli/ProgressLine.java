package io.kmolt.cli;

import io.kmolt.swap.Progress;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Tells, on standard error, what takes longer than a second; with -v, every step. */
final class ProgressLine implements Progress, AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final PrintWriter err;
    private final boolean verbose;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().factory());
    private String current = "";

    ProgressLine(PrintWriter err, boolean verbose) {
        this.err = err;
        this.verbose = verbose;
    }

    @Override
    public synchronized void step(String what) {
        current = what;
        if (verbose) {
            say(what);
        } else {
            timer.schedule(() -> sayIfCurrent(what), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private synchronized void sayIfCurrent(String what) {
        if (current.equals(what)) {
            say(what);
        }
    }

    private void say(String what) {
        err.println("kmolt: " + what + " …");
        err.flush();
    }

    /** Nothing more is under way, so nothing more will be said. */
    synchronized void done() {
        current = "";
    }

    @Override
    public void close() {
        done();
        timer.shutdownNow();
    }
}
