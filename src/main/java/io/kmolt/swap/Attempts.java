package io.kmolt.swap;

import io.kmolt.target.TargetException;
import java.time.Duration;

/** Tries a command of the core until nobody is in the way, or time is up. */
public final class Attempts {
    private static final long FIRST_WAIT_MILLIS = 10;
    private static final long LONGEST_WAIT_MILLIS = 100;

    /**
     * What became of it.
     *
     * @param reply the last reply
     * @param count how often it was tried
     */
    public record Outcome(Reply reply, int count) {}

    private Attempts() {}

    /**
     * Tries a change, each time with all CPUs stopped for no longer than allowed.
     *
     * @throws SwapException if somebody was in the way, or a CPU did not come to rest, up to the end
     */
    static Outcome change(CoreSession session, String command, Limits limits, Progress progress)
            throws TargetException, SwapException {
        Outcome outcome = run(session, command + limits.forCore(), limits.timeout(), progress);
        if (isInTheWay(outcome.reply())) {
            Reply no = outcome.reply();
            throw SwapException.busy(gaveUp(no, limits), session.blockers(no), no.late());
        }
        return outcome;
    }

    private static String gaveUp(Reply reply, Limits limits) {
        return "gave up after %d s: %s; nothing has changed"
                .formatted(limits.timeout().toSeconds(), why(reply, limits));
    }

    private static String why(Reply reply, Limits limits) {
        if (reply.error().equals("blocked")) {
            return "tasks are in code that is about to change";
        }
        if (reply.late().isPresent()) {
            return reply.late().get() + "; all CPUs must come to rest at once";
        }
        if (reply.isKeptByHotplug()) {
            return "a CPU is being taken offline or brought online, and that has not ended";
        }
        return "stopping all CPUs took longer than %s each time; --max-pause says how long it may take"
                .formatted(millis(limits.maxPause()));
    }

    private static String millis(Duration duration) {
        return duration.toNanos() % 1_000_000 == 0 ? duration.toMillis() + " ms" : duration.toNanos() / 1000 + " us";
    }

    private static boolean isInTheWay(Reply reply) {
        return reply.error().equals("blocked") || reply.error().equals("late");
    }

    public static Outcome run(CoreSession session, String command, Duration timeout, Progress progress)
            throws TargetException {
        long end = System.nanoTime() + timeout.toNanos();
        long wait = FIRST_WAIT_MILLIS;
        for (int count = 1; ; count++) {
            Reply reply = session.send(command);
            if (!isInTheWay(reply) || System.nanoTime() >= end) {
                return new Outcome(reply, count);
            }
            if (count == 1 && !reply.blockers().isEmpty()) {
                Blocker first = reply.blockers().getFirst();
                progress.step("waiting for " + first.command() + " (pid " + first.pid() + ") in " + first.where());
            }
            if (count == 1 && reply.late().isPresent()) {
                progress.step("waiting: " + reply.late().get());
            }
            if (count == 1 && reply.isKeptByHotplug()) {
                progress.step("waiting for a CPU that is coming or going");
            }
            Pause.millis(wait);
            wait = Math.min(2 * wait, LONGEST_WAIT_MILLIS);
        }
    }
}
