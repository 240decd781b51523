package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a call through a table costs after a swap, counted exactly. */
@Tag("lab")
@Tag("stock")
class PadCostTest {
    private static final int CALLS = 1000;
    private static final Path DIAL = Fixtures.swaps("dial");

    @Test
    void aCallThroughATableCostsNothingMoreWithoutAPadAndTwoInstructionsWithOne(@TempDir Path folder) throws Exception {
        DistinctBuilds builds = new DistinctBuilds(DIAL, folder);
        try (SwapGuest guest = SwapGuest.counting()) {
            guest.sh("insmod " + DIAL + " && insmod " + Fixtures.swaps("keeper"));
            long base = instructions(guest);
            for (int n = 1; n <= PadPolicy.LIMIT; n++) {
                guest.swap("dial", builds.dial(n), SwapGuest.withBase(DIAL));
                if (n == 1) {
                    assertThat(instructions(guest) - base).isZero();
                }
                guest.revert("dial");
            }
            assertThat(guest.swap("dial", builds.dial(9), SwapGuest.withBase(DIAL))
                            .notes())
                    .singleElement()
                    .asString()
                    .contains("2 instructions a call");
            assertThat(instructions(guest) - base).isEqualTo(2);
            guest.revert("dial");
            assertThat(instructions(guest) - base).isZero();
            guest.sh("rmmod keeper && rmmod dial");
            guest.assertQuiet();
        }
    }

    /** The same each time to the digit. */
    private static long instructions(SwapGuest guest) throws IOException {
        String read = "cat /sys/module/keeper/parameters/ticks";
        long ticks = Long.parseLong(guest.sh(read));
        assertThat(Long.parseLong(guest.sh(read))).isEqualTo(ticks);
        return ticks / CALLS;
    }
}
