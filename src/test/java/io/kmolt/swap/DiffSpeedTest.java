package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Verdict;
import io.kmolt.elf.Corpus;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Holds the promise that comparing two builds of ext4, types included, takes well under a second in a warm JVM. */
class DiffSpeedTest {
    private static final int TO_WARM_UP = 7;

    /** Measured in processor time, which other programs on the machine do not lengthen. */
    @Test
    void ext4IsComparedInWellUnderASecond() throws Exception {
        for (int i = 0; i < TO_WARM_UP; i++) {
            compare();
        }
        long start = processorTime();
        BuildDiff diff = compare();
        Duration took = Duration.ofNanos(processorTime() - start);
        System.out.println("ext4 read and compared in " + took.toMillis() + " ms of processor time");
        assertThat(diff.verdict()).isEqualTo(Verdict.SWAPPABLE);
        assertThat(diff.types().compared()).isTrue();
        assertThat(took).isLessThan(Duration.ofMillis(700));
    }

    private static BuildDiff compare() throws Exception {
        Path old = Corpus.module(Corpus.BOOKWORM_BEFORE, "ext4");
        Path now = Corpus.module(Corpus.BOOKWORM, "ext4");
        return BuildDiff.of(old, now, release -> Optional.of(Corpus.image(release)));
    }

    private static long processorTime() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
