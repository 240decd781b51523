package io.kmolt.demo;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** kmolt-load at work in the guest: processes that check all that they do to a file system. */
final class Load {
    private static final String REPORT = "/tmp/kmolt-demo-report";
    private static final String OUTPUT = "/tmp/kmolt-demo-load";
    private static final String STATUS = "/tmp/kmolt-demo-status";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    /** The load verifies everything once more before it ends. */
    private static final Duration STOP_LIMIT = Duration.ofMinutes(3);

    /**
     * What it has done so far.
     *
     * @param iterations operations
     * @param mismatches where something read was not what had been written
     * @param errors operations that failed
     */
    record Tally(long iterations, long mismatches, long errors) {
        @Override
        public String toString() {
            return "%,d operations, %d mismatches, %d errors".formatted(iterations, mismatches, errors);
        }
    }

    private final Stage stage;
    private final String pid;

    private Load(Stage stage, String pid) {
        this.stage = stage;
        this.pid = pid;
    }

    /** Starts it, and waits until every process is at work. */
    static Load start(Stage stage, Path program, int processes, String folder) throws TargetException {
        String command = "%s --procs %d --report %s %s".formatted(program, processes, REPORT, folder);
        String pid = stage.run("""
                rm -f %2$s %3$s
                (setsid sh -c '%1$s >%4$s 2>&1 & echo $! >%3$s.pid; wait $!; echo $? >%3$s' </dev/null >/dev/null 2>&1 &)
                while [ ! -s %3$s.pid ]; do sleep 0.1; done
                cat %3$s.pid
                """.formatted(command, REPORT, STATUS, OUTPUT));
        Load load = new Load(stage, pid);
        load.await("grep -q state=running " + REPORT, START_LIMIT);
        return load;
    }

    Tally tally() throws TargetException {
        return parse(stage.run("cat " + REPORT));
    }

    /** Stops it; it verifies everything once more. */
    Tally stop() throws TargetException {
        stage.run("kill -TERM " + pid);
        await("[ -s " + STATUS + " ]", STOP_LIMIT);
        String[] lines = stage.run("cat " + OUTPUT).split("\n");
        stage.findings().check(stage.run("cat " + STATUS).equals("0"), "the load: " + String.join("\n", lines));
        return parse(lines[lines.length - 1]);
    }

    private void await(String condition, Duration limit) throws TargetException {
        long tries = limit.toMillis() / 200;
        stage.target().run("""
                        n=0
                        until %s 2>/dev/null || [ -s %s ] || [ $n -ge %d ]; do sleep 0.2; n=$((n + 1)); done
                        """.formatted(condition, STATUS, tries), limit.plus(Target.DEFAULT_TIMEOUT));
        if (!stage.target().run(condition, Target.DEFAULT_TIMEOUT).ok()) {
            throw new TargetException("the load does not do what it should: " + stage.run("cat " + OUTPUT));
        }
    }

    static Tally parse(String line) {
        Map<String, Long> values = new HashMap<>();
        for (String word : line.split(" ")) {
            String[] pair = word.split("=", 2);
            if (pair.length == 2 && pair[1].matches("\\d+")) {
                values.put(pair[0], Long.parseLong(pair[1]));
            }
        }
        // What is missing is wrong: a line that cannot be read must not pass for a clean one.
        return new Tally(
                values.getOrDefault("iterations", 0L),
                values.getOrDefault("mismatches", 1L),
                values.getOrDefault("errors", 1L));
    }
}
