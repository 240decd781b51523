package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.KernelComplaint;
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
        return lines().stream().filter(KernelComplaint::begins).toList();
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
        while (first < lines.size() && !KernelComplaint.begins(lines.get(first))) {
            first++;
        }
        int from = first < lines.size() ? Math.max(0, first - 5) : Math.max(0, lines.size() - Math.min(limit, 20));
        int to = Math.min(lines.size(), from + limit);
        String more = to < lines.size() ? "\n… " + (lines.size() - to) + " more lines" : "";
        return String.join("\n", lines.subList(from, to)) + more;
    }
}
