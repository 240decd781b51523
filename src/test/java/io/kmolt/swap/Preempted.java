package io.kmolt.swap;

import io.kmolt.lab.Fixtures;
import java.io.IOException;

/**
 * A task that was preempted amid some code and is kept there, by {@code kmolt_preempt} of tests/editions; one at a time,
 * in a guest with {@code preempt=full}.
 *
 * @param pid of the task
 */
public record Preempted(SwapGuest guest, int pid) implements AutoCloseable {
    private static final String COMMAND = "kmolt-caller";

    /** Who complains, where the kernel has that, as workers of that CPU do not get their turn either. */
    private static final String WATCHDOG = "/sys/module/workqueue/parameters/watchdog_thresh";

    /**
     * Lets a task read the first line of a file, over and over, until it is caught.
     *
     * @param start address at which the code begins
     * @param end address behind it
     */
    public static Preempted amid(SwapGuest guest, long start, long end, String file) throws IOException {
        guest.sh("echo -1 >/proc/sys/kernel/sched_rt_runtime_us; touch /run/calling;"
                + " [ ! -e " + WATCHDOG + " ] || echo 0 >" + WATCHDOG + ";"
                + " ln -sf /bin/bash /run/%1$s; insmod %2$s comm=%1$s ms=60000 start=0x%3$x end=0x%4$x;"
                        .formatted(COMMAND, Fixtures.editions("kmolt_preempt"), start, end)
                // Below the threads that stop all CPUs, and the one without which RCU waits for this CPU as well.
                + " /usr/bin/chrt -f -p 20 $(pidof ksoftirqd/1); /usr/bin/chrt -f -p 10 $(pidof kmolt_preempt);"
                + " /usr/bin/chrt -f 1 /usr/bin/taskset -c 1 /run/%s -c 'while [ -e /run/calling ]; do read line <%s; done'"
                        .formatted(COMMAND, file)
                + " >/run/caller 2>&1 </dev/null & echo $! >/run/caller.pid");
        return new Preempted(
                guest,
                Integer.parseInt(guest.sh("cd /sys/module/kmolt_preempt/parameters; for i in $(seq 300); do"
                        + " read pid <pid; [ $pid = 0 ] || exec echo $pid; sleep 0.1; done; cat /run/caller; exit 1")));
    }

    /** Lets it go on, and waits until it has ended well. */
    @Override
    public void close() throws IOException {
        guest.sh("rm -f /run/calling; rmmod kmolt_preempt; for i in $(seq 300); do"
                + " [ -e /proc/$(cat /run/caller.pid) ] || break; sleep 0.1; done;"
                + " /usr/bin/chrt -o -p 0 $(pidof ksoftirqd/1);"
                + " [ ! -e " + WATCHDOG + " ] || echo 30 >" + WATCHDOG + ";"
                + " echo 950000 >/proc/sys/kernel/sched_rt_runtime_us; cat /run/caller; ! test -s /run/caller");
    }
}
