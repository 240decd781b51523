package io.kmolt.swap;

import io.kmolt.target.TargetException;
import java.time.Duration;

/** Tries a command of the core until nobody is in the way, or time is up. */
public final class Attempts {
    private static final long FIRST_WAIT_MILLIS = 10;
    private static final long LONGEST_WAIT_MILLIS = 500;

    /**
     * What became of it.
     *
     * @param reply the last reply
     * @param count how often it was tried
     */
    public record Outcome(Reply reply, int count) {}

    private Attempts() {}

    public static Outcome run(CoreSession session, String command, Duration timeout, Progress progress)
            throws TargetException {
        long end = System.nanoTime() + timeout.toNanos();
        long wait = FIRST_WAIT_MILLIS;
        for (int count = 1; ; count++) {
            Reply reply = session.send(command);
            if (!reply.error().equals("blocked") || System.nanoTime() >= end) {
                return new Outcome(reply, count);
            }
            if (count == 1 && !reply.blockers().isEmpty()) {
                Blocker first = reply.blockers().getFirst();
                progress.step("waiting for " + first.command() + " (pid " + first.pid() + ") in " + first.where());
            }
            sleep(wait);
            wait = Math.min(2 * wait, LONGEST_WAIT_MILLIS);
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
