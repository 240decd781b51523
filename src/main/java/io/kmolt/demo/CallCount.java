package io.kmolt.demo;

import io.kmolt.target.TargetException;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts in the running kernel in whose code a function is executed, by kprobe events.
 *
 * <p>The probes stand behind the function's first five bytes, which are its ftrace site: a call that a redirect catches
 * there does not count as one of the old code.
 *
 * @param inBase executions in the base's code
 * @param inEdition executions in the edition's code
 */
record CallCount(long inBase, long inEdition) {
    static final int SECONDS = 2;

    /** A slow machine may need more time for the first call. */
    private static final int LONGEST = 20;

    /** Counts for {@link #SECONDS}, longer only if there was no call at all. */
    static CallCount of(Stage stage, String base, String edition, String function) throws TargetException {
        Map<String, Long> hits = parse(stage.run("""
                cd /sys/kernel/tracing || exit 1
                echo 'p:kmolt_demo/base %1$s:%3$s+5' >>kprobe_events || exit 1
                if grep -q '^%2$s ' /proc/modules; then
                    echo 'p:kmolt_demo/edition %2$s:%3$s+5' >>kprobe_events || exit 1
                fi
                echo 1 >events/kmolt_demo/enable
                sleep %4$d
                n=0
                while [ $n -lt %5$d ] && ! grep -qE ' [1-9][0-9]* +[0-9]+$' kprobe_profile; do sleep 1; n=$((n + 1)); done
                echo 0 >events/kmolt_demo/enable
                cat kprobe_profile
                for probe in base edition; do
                    [ ! -d events/kmolt_demo/$probe ] || echo "-:kmolt_demo/$probe" >>kprobe_events
                done
                """.formatted(base, edition, function, SECONDS, LONGEST)));
        return new CallCount(hits.getOrDefault("base", 0L), hits.getOrDefault("edition", 0L));
    }

    /** Lines of a probe's name, its hits and its misses; a miss is an execution as well (kernel/trace/trace_kprobe.c). */
    static Map<String, Long> parse(String profile) {
        Map<String, Long> hits = new HashMap<>();
        for (String line : profile.lines().toList()) {
            String[] words = line.strip().split("\\s+");
            if (words.length == 3) {
                hits.put(words[0], Long.parseLong(words[1]) + Long.parseLong(words[2]));
            }
        }
        return hits;
    }
}
