package io.kmolt.swap;

import java.time.Duration;

/**
 * How much time a change may take.
 *
 * @param timeout how long to try, while tasks are in the way or a CPU does not come to rest
 * @param maxPause how long all CPUs may stand still at each attempt before something has changed; from {@link #SHORTEST}
 *     to {@link #LONGEST}
 */
public record Limits(Duration timeout, Duration maxPause) {
    /** The core's MIN_PAUSE_US and MAX_PAUSE_US. */
    public static final Duration SHORTEST = Duration.ofNanos(100_000);

    public static final Duration LONGEST = Duration.ofSeconds(1);

    /** As long as the field waits at first, and a pause that nobody takes for a hang. */
    public static final Limits DEFAULT = new Limits(Duration.ofSeconds(15), Duration.ofMillis(100));

    public Limits {
        if (!isPause(maxPause)) {
            throw new IllegalArgumentException("no pause can be " + maxPause + " long");
        }
    }

    /** Whether the core takes a limit for the pause. */
    public static boolean isPause(Duration pause) {
        return pause.compareTo(SHORTEST) >= 0 && pause.compareTo(LONGEST) <= 0;
    }

    public static Limits within(Duration timeout) {
        return new Limits(timeout, DEFAULT.maxPause());
    }

    /** What the core is told behind a name. */
    String forCore() {
        return " " + maxPause.toNanos() / 1000;
    }
}
