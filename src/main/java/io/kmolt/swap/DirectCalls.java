package io.kmolt.swap;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Others who have a direct call at a function's entry, such as BPF programs. Ftrace lets only one have it, so that these
 * functions can neither be redirected nor routed (kernel/trace/ftrace.c).
 */
final class DirectCalls {
    private static final String NAME = "direct calls";
    private static final int MOST = 5;

    private DirectCalls() {}

    static Check check(Vitals vitals) {
        if (vitals.has("direct_unasked")) {
            return Check.warning(
                    NAME,
                    "not asked, as the core is taking something back, and may keep ftrace busy",
                    "ask again later");
        }
        if (!vitals.has("direct")) {
            return Check.warning(
                    NAME,
                    "cannot be told: /sys/kernel/tracing/enabled_functions is not readable",
                    "mount -t tracefs tracefs /sys/kernel/tracing");
        }
        List<String> others = Arrays.stream(vitals.get("direct").split(";"))
                .filter(line -> !line.isBlank() && !ours(vitals, line))
                .map(DirectCalls::describe)
                .toList();
        if (others.isEmpty()) {
            return Check.ok(NAME, "none but kmolt's");
        }
        String more = others.size() > MOST ? " and " + (others.size() - MOST) + " more" : "";
        return Check.warning(
                NAME,
                "others have one at " + others.stream().limit(MOST).collect(Collectors.joining(", ")) + more,
                "leave these functions alone, or end what is there: bpftool prog lists BPF programs, rmmod unloads modules");
    }

    /** A line is {@code TARGET+0x0/0x40 [MODULE] in FUNCTION}; the target of BPF is in no module. */
    private static boolean ours(Vitals vitals, String line) {
        return Arrays.stream(vitals.get("core_routes").split(" "))
                .anyMatch(routes -> !routes.isEmpty() && line.contains(" [" + routes + "] in "));
    }

    private static String describe(String line) {
        String[] parts = line.split(" in ", 2);
        String owner = parts[0].contains("[")
                ? "module " + parts[0].replaceFirst(".*\\[(.*)].*", "$1")
                : parts[0].strip().replaceFirst("\\+0x.*", "");
        return (parts.length > 1 ? parts[1].strip() : "?") + " (" + owner + ")";
    }
}
