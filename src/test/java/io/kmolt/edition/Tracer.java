package io.kmolt.edition;

import java.io.IOException;

/** Other users of a function's entry, by what one types to have them. */
enum Tracer {
    FUNCTION(
            "echo FUNCTION >set_ftrace_filter; echo function >current_tracer",
            "echo nop >current_tracer; echo >set_ftrace_filter",
            "grep -c ' FUNCTION <-' trace"),
    FUNCTION_GRAPH(
            "echo FUNCTION >set_ftrace_filter; echo function_graph >current_tracer",
            "echo nop >current_tracer; echo >set_ftrace_filter",
            "grep -c ' FUNCTION()' trace"),
    KPROBE(
            "echo 'p:kmolt/entered FUNCTION' >>kprobe_events; echo 1 >events/kmolt/entered/enable",
            "echo 0 >events/kmolt/entered/enable; echo -:kmolt/entered >>kprobe_events",
            "awk '$1 == \"entered\" { print $2 }' kprobe_profile"),
    KRETPROBE(
            "echo 'r:kmolt/returned FUNCTION' >>kprobe_events; echo 1 >events/kmolt/returned/enable",
            "echo 0 >events/kmolt/returned/enable; echo -:kmolt/returned >>kprobe_events",
            "awk '$1 == \"returned\" { print $2 }' kprobe_profile"),
    /** Answers the calls itself, and counts none. */
    LIVEPATCH("", "", "echo 0");

    private static final String MODULE = "kmolt_lp_show";

    private final String attach;
    private final String detach;
    private final String count;

    Tracer(String attach, String detach, String count) {
        this.attach = attach;
        this.detach = detach;
        this.count = count;
    }

    void attach(EditionGuest guest, String function) throws IOException {
        if (this == LIVEPATCH) {
            guest.livepatch(MODULE, "function=" + function);
        } else {
            guest.sh(script(attach, function));
        }
    }

    void detach(EditionGuest guest, String function) throws IOException {
        if (this == LIVEPATCH) {
            guest.unpatch(MODULE);
        } else {
            guest.sh(script(detach, function));
        }
    }

    /** Prints how many calls it has seen. */
    String seen(String function) {
        return script("echo $(" + count + ")", function);
    }

    private static String script(String commands, String function) {
        return "(set -e; cd /sys/kernel/tracing; " + commands.replace("FUNCTION", function) + ")";
    }
}
