package io.kmolt.swap;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A line of a target's journal.
 *
 * @param facts what it says, by the names that {@code docs/operations.md} lists; what is not known is left out
 */
public record JournalEntry(@JsonValue SequencedMap<String, String> facts) {
    static final String INTENT = "intent";
    static final String OUTCOME = "outcome";

    /** Longest value: a line stays so short that one write appends it whole. */
    private static final int LONGEST = 1000;

    private static final JsonMapper JSON = JsonMapper.shared();

    public JournalEntry {
        facts = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(facts));
    }

    /**
     * What somebody is about to do; who that is, the journal adds.
     *
     * @param verb {@code swap}, {@code verify}, {@code revert} or {@code drop}
     * @param module the module
     * @param edition the update module that it is about
     */
    static JournalEntry intent(String verb, String module, String edition) {
        return new JournalEntry(new LinkedHashMap<>())
                .with("event", INTENT)
                .with("verb", verb)
                .with("module", module)
                .with("edition", edition);
    }

    /** The same with one more fact, unless that is empty. */
    JournalEntry with(String name, String value) {
        if (value.isEmpty()) {
            return this;
        }
        SequencedMap<String, String> more = new LinkedHashMap<>(facts);
        more.put(name, value.length() <= LONGEST ? value : value.substring(0, LONGEST) + "…");
        return new JournalEntry(more);
    }

    /** What became of this intent. */
    JournalEntry ended(String outcome, String reason, String answers) {
        return with("event", OUTCOME)
                .with("outcome", outcome)
                .with("reason", reason)
                .with("answers", answers);
    }

    /** A fact; empty if it is not known. */
    public String get(String name) {
        return facts.getOrDefault(name, "");
    }

    public boolean isIntent() {
        return get("event").equals(INTENT);
    }

    /** As one line of JSON. */
    String json() {
        return JSON.writeValueAsString(facts);
    }

    /** Reads a line; empty if it is no entry, as one that was cut off. */
    static Optional<JournalEntry> parse(String line) {
        try {
            JsonNode node = JSON.readTree(line);
            SequencedMap<String, String> facts = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> property : node.properties()) {
                facts.put(property.getKey(), property.getValue().asString(""));
            }
            return facts.containsKey("event") ? Optional.of(new JournalEntry(facts)) : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }
}
