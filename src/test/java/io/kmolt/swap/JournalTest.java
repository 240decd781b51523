package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is read from a journal, also from one that a crash has damaged. */
class JournalTest {
    private static final String INTENT =
            "{\"time\":\"T1\",\"event\":\"intent\",\"id\":\"a\",\"boot\":\"b1\",\"verb\":\"swap\",\"module\":\"minix\","
                    + "\"edition\":\"kmolt_minix_0\",\"holder\":\"7 sh\",\"uid\":\"0\",\"client\":\"ada@host\"}";
    private static final String OUTCOME = "{\"time\":\"T2\",\"event\":\"outcome\",\"id\":\"a\",\"boot\":\"b1\","
            + "\"module\":\"minix\",\"outcome\":\"done\",\"answers\":\"kmolt_minix_0\",\"pauseNanos\":\"17\"}";

    private static JournalText read(String... lines) {
        return JournalText.parse(List.of(lines));
    }

    @Test
    void anEntryIsReadAsItWasWritten() {
        JournalEntry entry =
                JournalEntry.intent("swap", "minix", "kmolt_minix_0").with("check", "test \"a\n'b'\"");
        assertThat(entry.json()).doesNotContain("\n");
        assertThat(JournalEntry.parse(entry.json())).contains(entry);
    }

    @Test
    void whatIsNotKnownIsLeftOutAndWhatIsLongIsCut() {
        JournalEntry entry = JournalEntry.intent("swap", "minix", "").with("reason", "x".repeat(5000));
        assertThat(entry.facts()).doesNotContainKey("edition");
        assertThat(entry.json()).hasSizeLessThan(1200);
    }

    @Test
    void aLineThatWasCutOffIsCountedAndTheNextOneIsRead() {
        JournalText text = read(INTENT.substring(0, 60), "", INTENT, "null", "[]");
        assertThat(text.damaged()).isEqualTo(3);
        assertThat(text.entries()).extracting(e -> e.get("id")).containsExactly("a");
    }

    @Test
    void anIntentWithoutAnOutcomeIsUnfinishedUntilTheNextBootOrWhileItsOwnerLives() {
        assertThat(read(INTENT).unfinished("b1", "none")).hasSize(1);
        assertThat(read(INTENT).unfinished("b1", "7 sh")).isEmpty();
        assertThat(read(INTENT).unfinished("b2", "none")).isEmpty();
        assertThat(read(INTENT, OUTCOME).unfinished("b1", "none")).isEmpty();
    }

    @Test
    void whoMadeABuildAnswerIsToldOnlyIfNobodyElseChangedItSince() {
        assertThat(read(INTENT, OUTCOME).lastChange("b1", "minix", "kmolt_minix_0"))
                .isPresent();
        assertThat(read(INTENT, OUTCOME).lastChange("b1", "minix", "base")).isEmpty();
        assertThat(read(INTENT, OUTCOME).lastChange("b2", "minix", "kmolt_minix_0"))
                .isEmpty();
    }

    @Test
    void anUnfinishedSwapIsToldWithWhoAnswersNow() {
        CoreState core = CoreState.parse("./abi:3\n./modules/minix/current:kmolt_minix_0\n");
        assertThat(Journal.unfinished(read(INTENT).entries().getFirst(), core))
                .isEqualTo(
                        "swap of minix, begun at T1 by uid 0 from ada@host, was not finished: kmolt was ended, or lost"
                                + " the target; now kmolt_minix_0 answers");
    }
}
