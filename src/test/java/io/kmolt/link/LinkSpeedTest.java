package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Types;
import io.kmolt.elf.Corpus;
import io.kmolt.module.KernelModule;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Holds the promise that reading, comparing and linking ext4 takes less than two seconds. */
class LinkSpeedTest {

    /** Measured in processor time, which other programs on the machine do not lengthen. */
    @Test
    void ext4IsLinkedInLessThanTwoSeconds() throws Exception {
        Path loaded = Corpus.module(Corpus.BOOKWORM_BEFORE, "ext4");
        Path next = Corpus.module(Corpus.BOOKWORM, "ext4");
        KernelModule core = KernelModule.read(Corpus.module(Corpus.BOOKWORM, "minix"));
        long start = processorTime();
        KernelModule base = KernelModule.read(loaded);
        KernelModule edition = KernelModule.read(next);
        Layer layer =
                new Layer(SimulatedKernel.load(base), Comparer.compare(base, edition, Types.same()), Types.same());
        Update update = Linker.link(new LinkInput("kmolt_ext4_0", "boot", "", edition, List.of(layer), core));
        Duration took = Duration.ofNanos(processorTime() - start);
        System.out.println("ext4 read, compared and linked in " + took.toMillis() + " ms of processor time");
        assertThat(update.slots()).isGreaterThan(100);
        assertThat(took).isLessThan(Duration.ofSeconds(2));
    }

    private static long processorTime() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
