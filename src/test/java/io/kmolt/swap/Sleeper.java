package io.kmolt.swap;

import java.io.IOException;

/**
 * A task that sleeps in the code of a module, put there by {@code sleep-in} of tests/load; one at a time.
 *
 * @param pid of the thread that sleeps
 */
record Sleeper(SwapGuest guest, int pid) implements AutoCloseable {
    private static final String UNTIL =
            " for i in $(seq 100); do grep -q ^%s /run/sleeper && exit; sleep 0.1; done;" + " cat /run/sleeper; exit 1";

    /**
     * Puts it to sleep.
     *
     * @param where arguments of {@code sleep-in}
     */
    static Sleeper start(SwapGuest guest, String where) throws IOException {
        guest.sh(SwapGuest.program("sleep-in") + " " + where
                + " >/run/sleeper 2>&1 </dev/null & echo $! >/run/sleeper.pid;" + UNTIL.formatted("sleeping"));
        return new Sleeper(guest, Integer.parseInt(guest.sh("sed -n 's/^sleeping pid=.* tid=//p' /run/sleeper")));
    }

    /** Wakes it up, and waits until its call is over. */
    @Override
    public void close() throws IOException {
        guest.sh("kill -TERM $(cat /run/sleeper.pid);" + UNTIL.formatted("woke"));
    }
}
