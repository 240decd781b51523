package io.kmolt.swap;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a journal says.
 *
 * @param entries its lines, oldest first
 * @param damaged lines that are no entries, as one that a crash cut off
 */
public record JournalText(List<JournalEntry> entries, int damaged) {

    /** Reads its lines; an empty one means nothing. */
    static JournalText parse(List<String> lines) {
        List<JournalEntry> entries = new ArrayList<>();
        int damaged = 0;
        for (String line : lines) {
            if (line.isBlank()) {
                continue;
            }
            Optional<JournalEntry> entry = JournalEntry.parse(line);
            entry.ifPresent(entries::add);
            damaged += entry.isPresent() ? 0 : 1;
        }
        return new JournalText(List.copyOf(entries), damaged);
    }

    /**
     * What somebody set about in this boot and never said how it ended: kmolt was killed there, or lost the target.
     *
     * @param owner who holds {@code /dev/kmolt}, and is still at it
     */
    List<JournalEntry> unfinished(String boot, String owner) {
        Map<String, JournalEntry> open = new LinkedHashMap<>();
        for (JournalEntry entry : entries) {
            if (entry.isIntent()) {
                open.put(entry.get("id"), entry);
            } else {
                open.remove(entry.get("id"));
            }
        }
        return open.values().stream()
                .filter(e -> e.get("boot").equals(boot) && !e.get("holder").equals(owner))
                .toList();
    }

    /** The last swap or revert in this boot, if it made this one answer for a module. */
    Optional<JournalEntry> lastChange(String boot, String module, String answers) {
        return entries.reversed().stream()
                .filter(e -> e.get("outcome").equals("done")
                        && !e.get("verb").equals(Surplus.VERB)
                        && e.get("boot").equals(boot)
                        && e.get("module").equals(module))
                .findFirst()
                .filter(e -> e.get("answers").equals(answers));
    }

    /** Without what is not about a module; all of it if the name is empty. */
    public JournalText about(String module) {
        return new JournalText(
                entries.stream()
                        .filter(e -> module.isEmpty() || e.get("module").equals(module))
                        .toList(),
                damaged);
    }
}
