package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.swap.Core;
import io.kmolt.swap.Preempted;
import io.kmolt.target.Target;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who was preempted in a dispatcher goes on in it: neither it nor what it leads to is unloaded before. On the debug kernel a
 * change of routes takes longer than a task can well be kept from going on.
 */
@Tag("lab")
@Tag("stock")
class PreemptedTest {
    private static final String FILE = "/proc/cmdline";
    private static final String FUNCTION = "cmdline_proc_show";
    private static final String BY_EDITION = "shown by an edition";

    /** A dispatcher has a few instructions before what follows it, which leads to the same. */
    private static final int CODE = 32;

    private static final int A_WHILE = 3;
    private static final int LONG_ENOUGH = 60;

    @Test
    void dispatchersAndEditionsStayUntilWhoWasPreemptedInADispatcherHasLeft(@TempDir Path folder) throws Exception {
        try (BusyGuest guest = BusyGuest.boot("preempt=full");
                ExecutorService user = Executors.newSingleThreadExecutor()) {
            Core.load(guest.target(), BusyGuest.RELEASE);
            guest.load(BusyGuest.build("shown", folder));
            guest.route(FUNCTION, "1");
            String routes = guest.editions("shown").routes();

            try (Target shell = guest.guest().guest().openShell()) {
                // Others are in force already; what is left is to wait.
                String ready = "! grep -qx %s /sys/kernel/kmolt/editions/shown/routes".formatted(routes);
                staysWhile(guest, routes, ready, user, () -> BusyGuest.route(shell, FUNCTION, "uid == 4242 ? 0 : 1"));
                assertThat(guest.isLoaded(routes)).isFalse();
                assertThat(guest.sh("head -n 1 " + FILE)).isEqualTo(BY_EDITION);

                routes = guest.editions("shown").routes();
                staysWhile(guest, routes, "true", user, () -> BusyGuest.route(shell, FUNCTION, "0"));
                assertThat(guest.isLoaded(routes)).isFalse();
                assertThat(guest.sh("head -n 1 " + FILE)).isNotEqualTo(BY_EDITION);

                guest.route(FUNCTION, "1");
                assertThat(guest.sh("head -n 1 " + FILE)).isEqualTo(BY_EDITION);
                routes = guest.editions("shown").routes();
                staysWhile(guest, routes, "true", user, () -> BusyGuest.unload(shell, "shown"));
            }
            guest.assertNothingLeft();
        }
    }

    /** Preempts a task in a dispatcher; then the change must not be over before it may go on. */
    private static void staysWhile(
            BusyGuest guest, String routes, String ready, ExecutorService user, Callable<?> change) throws Exception {
        long start = Long.parseUnsignedLong(
                guest.sh("awk '$3 == \"%s.dispatch\" && $4 == \"[%s]\" { print $1 }' /proc/kallsyms"
                        .formatted(FUNCTION, routes)),
                16);
        Future<?> changing;
        try (Preempted caller = Preempted.amid(guest.guest(), start, start + CODE, FILE)) {
            changing = user.submit(change);
            String waited = guest.sh("for i in $(seq 200); do " + ready + " && exit; sleep 0.2; done;"
                    + " echo w >/proc/sysrq-trigger; dmesg | tail -n 50");
            assertThat(waited).as(changing.toString()).isEmpty();
            TimeUnit.SECONDS.sleep(A_WHILE);
            assertThat(changing.isDone()).isFalse();
            assertThat(guest.isLoaded(routes)).isTrue();
            assertThat(guest.isLoaded("kmolt_shown")).isTrue();
            assertThat(guest.sh("cat /proc/%d/comm".formatted(caller.pid()))).isEqualTo("kmolt-caller");
        }
        changing.get(LONG_ENOUGH, TimeUnit.SECONDS);
    }
}
