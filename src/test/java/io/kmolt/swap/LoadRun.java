package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * A load that runs in a guest and checks all that it does: {@code kmolt-load}, watched from a shell of its own.
 *
 * <p>{@link #finish} is where it is judged; closing without that ends it.
 */
public final class LoadRun implements AutoCloseable {
    private static final Duration TO_BEGIN = Duration.ofSeconds(60);
    /** The load itself gives up its processes after 300 s. */
    private static final Duration TO_END = Duration.ofSeconds(330);

    private static int runs;

    private final Target shell;
    private final String files;

    private LoadRun(Target shell, String files) {
        this.shell = shell;
        this.files = files;
    }

    /**
     * Starts a load and waits until it is under way.
     *
     * @param arguments of kmolt-load
     */
    public static LoadRun start(SwapGuest guest, String arguments) throws Exception {
        LoadRun load = new LoadRun(guest.guest().openShell(), "/run/load" + ++runs);
        SwapGuest.sh(
                load.shell,
                "{ %1$s --report %2$s.report %3$s >%2$s.out 2>&1 & echo $! >%2$s.pid; wait $!; echo status=$? >>%2$s.out; } >/dev/null 2>&1 &"
                        .formatted(SwapGuest.program("kmolt-load"), load.files, arguments));
        long begin = System.nanoTime();
        while (load.report().getOrDefault("state", "").equals("running") == false || load.iterations() == 0) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("the load begins: " + load.output())
                    .isLessThan(TO_BEGIN);
            Thread.sleep(200);
        }
        return load;
    }

    private Map<String, String> report() throws IOException {
        Map<String, String> values = new HashMap<>();
        for (String word : SwapGuest.sh(shell, "cat " + files + ".report 2>/dev/null || true")
                .split("\\s+")) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                values.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        return values;
    }

    private String output() throws IOException {
        return SwapGuest.sh(shell, "cat " + files + ".out 2>/dev/null || true");
    }

    public long iterations() throws IOException {
        return Long.parseLong(report().getOrDefault("iterations", "0"));
    }

    /** Waits until the load has gone on by itself, and holds what it says until then against what it should. */
    public void goesOn() throws Exception {
        long before = iterations();
        long begin = System.nanoTime();
        while (iterations() <= before + 10) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("the load goes on: " + report() + output())
                    .isLessThan(TO_BEGIN);
            Thread.sleep(200);
        }
        assertThat(report()).containsEntry("mismatches", "0").containsEntry("errors", "0");
    }

    /** Ends the load, waits for its last look at everything, and asserts that nothing was wrong. */
    public void finish() throws Exception {
        SwapGuest.sh(shell, "kill -TERM $(cat " + files + ".pid)");
        long begin = System.nanoTime();
        String output = output();
        while (!output.contains("status=")) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("the load ends: " + report() + output)
                    .isLessThan(TO_END);
            Thread.sleep(200);
            output = output();
        }
        System.out.println("load: " + output.replace('\n', ' '));
        assertThat(output)
                .containsPattern("iterations=[1-9][0-9]* mismatches=0 errors=0")
                .endsWith("status=0");
    }

    @Override
    public void close() throws IOException {
        try {
            shell.run("kill -TERM $(cat " + files + ".pid) 2>/dev/null", Target.DEFAULT_TIMEOUT);
        } finally {
            shell.close();
        }
    }
}
