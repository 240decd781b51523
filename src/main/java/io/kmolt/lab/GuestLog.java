package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A guest's kernel log as its serial console recorded it.
 *
 * @param file grows while the guest lives; programs in the guest can write to it too
 */
record GuestLog(Path file) {
    /** Init says this when the guest cannot be set up; see init.sh. */
    private static final Pattern BOOT_FAILED = Pattern.compile("^kmolt-lab: boot failed: (.*)$");

    /** What a kernel prints first when something is wrong with it, after the time stamp. */
    private static final Pattern WARNING = Pattern.compile("^\\[ *\\d+\\.\\d+\\](?:\\[ *[TC]\\d+\\])? "
            + "(?:WARNING: |BUG: |kernel BUG at|Kernel panic - not syncing|Oops: |PANIC: |UBSAN: "
            + "|general protection fault[:,]|(?:stack segment|double fault|invalid opcode|divide error|int3|trap invalid"
            + ")[:,] .*\\[#\\d+\\]|Unable to handle kernel|unable to handle|refcount_t: |list_(?:add|del) corruption"
            + "|rcu: INFO: .*stall|INFO: rcu_|rcu: .*kthread starved|INFO: task .* blocked for more than"
            + "|watchdog: BUG|NMI watchdog: Watchdog detected|sysfs: cannot create duplicate|DEBUG_LOCKS_WARN|Unpatched return thunk"
            + "|ftrace bug|Bad page state|kobject_add_internal failed).*");

    private static final Pattern PANIC =
            Pattern.compile("^\\[ *\\d+\\.\\d+\\](?:\\[ *[TC]\\d+\\])? Kernel panic - not syncing.*");

    /** All lines so far; the last one may be incomplete. */
    List<String> lines() {
        try {
            // A crash can leave anything there; what is not UTF-8 is replaced.
            return new String(Files.readAllBytes(file), UTF_8).lines().toList();
        } catch (IOException e) {
            return List.of(); // not created yet, or the guest's folder is gone
        }
    }

    List<String> warnings() {
        return lines().stream().filter(line -> WARNING.matcher(line).matches()).toList();
    }

    boolean panicked() {
        return lines().stream().anyMatch(line -> PANIC.matcher(line).matches());
    }

    /** Why the guest's setup failed; empty when it did not. */
    String bootFailure() {
        return lines().stream()
                .map(BOOT_FAILED::matcher)
                .filter(m -> m.matches())
                .map(m -> m.group(1))
                .findFirst()
                .orElse("");
    }

    /** The log from a little before its first warning on, else its end; at most {@code limit} lines. */
    String excerpt(int limit) {
        List<String> lines = lines();
        int first = 0;
        while (first < lines.size() && !WARNING.matcher(lines.get(first)).matches()) {
            first++;
        }
        int from = first < lines.size() ? Math.max(0, first - 5) : Math.max(0, lines.size() - Math.min(limit, 20));
        int to = Math.min(lines.size(), from + limit);
        String more = to < lines.size() ? "\n… " + (lines.size() - to) + " more lines" : "";
        return String.join("\n", lines.subList(from, to)) + more;
    }
}
