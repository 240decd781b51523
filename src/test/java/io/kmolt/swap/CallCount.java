package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts calls that reach the body of a function in one build of a module, by kprobe events. Proof of who answers that
 * does not depend on kmolt.
 *
 * <p>The probes sit behind the function's ftrace site, a 5-byte call: at its entry on 6.1; on 6.12, where indirect
 * branches are tracked, behind the ENDBR of a function that may be called through a pointer, as all are that tests count.
 * A call that is redirected at the site does not count. The kernel refuses an address amid an instruction.
 */
final class CallCount implements AutoCloseable {
    private static final String TRACING = "/sys/kernel/tracing";

    private final Target target;
    private final List<String> names = new ArrayList<>();

    CallCount(Target target) {
        this.target = target;
    }

    /**
     * Begins to count.
     *
     * @param name of the count
     * @param module the base or an edition
     * @param function of that module
     */
    CallCount body(String name, String module, String function) throws IOException {
        int behindSite = Facts.release(target).startsWith("6.1.") ? 5 : 9;
        return probe(name, module + ":" + function + "+" + behindSite);
    }

    /** Records who calls a function of the kernel, for {@link #callers}. */
    CallCount callersOf(String name, String function) throws IOException {
        SwapGuest.sh(target, "echo >" + TRACING + "/trace"); // empties it
        return probe(name, function + " from=$stack0:x64");
    }

    /** The return addresses of the calls recorded. */
    List<Long> callers(String name) throws IOException {
        return SwapGuest.sh(
                        target, "sed -n 's/.* " + name + ": .* from=0x\\([0-9a-f]*\\).*/\\1/p' " + TRACING + "/trace")
                .lines()
                .map(address -> Long.parseUnsignedLong(address, 16))
                .toList();
    }

    private CallCount probe(String name, String place) throws IOException {
        SwapGuest.sh(
                target,
                "cd " + TRACING + " && echo 'p:kmolt/" + name + " " + place
                        + "' >>kprobe_events && echo 1 >events/kmolt/" + name + "/enable");
        names.add(name);
        return this;
    }

    long hits(String name) throws IOException {
        for (String line : SwapGuest.sh(target, "cat " + TRACING + "/kprobe_profile")
                .lines()
                .toList()) {
            String[] words = line.strip().split("\\s+");
            if (words[0].equals(name)) {
                return Long.parseLong(words[1]);
            }
        }
        throw new AssertionError("no probe " + name);
    }

    /** During a while of load, calls arrive in the one place and not in any of the others. */
    static void assertAnswers(Target target, LoadRun load, String function, String module, String... others)
            throws Exception {
        try (CallCount count = new CallCount(target)) {
            count.body("now", module, function);
            for (int i = 0; i < others.length; i++) {
                count.body("other" + i, others[i], function);
            }
            load.goesOn();
            assertThat(count.hits("now")).as(function + " in " + module).isPositive();
            for (int i = 0; i < others.length; i++) {
                assertThat(count.hits("other" + i))
                        .as(function + " in " + others[i])
                        .isZero();
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (String name : names) {
            SwapGuest.sh(
                    target,
                    "cd " + TRACING + " && echo 0 >events/kmolt/" + name + "/enable && echo '-:kmolt/" + name
                            + "' >>kprobe_events");
        }
        names.clear();
    }
}
