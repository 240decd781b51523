package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.HostTsc.Moment;
import io.kmolt.lab.HostTsc.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class HostTscTest {
    private static Span span(long ticks, long nanos) {
        return new Span(new Moment(1_000, 77), new Moment(1_000 + ticks, 77 + nanos));
    }

    @Test
    void aMachineOfTwoGigahertzCountsTwentyMillionInTenMilliseconds() {
        assertThat(HostTsc.kilohertz(List.of(span(20_000_000, 10_000_000)))).isEqualTo(2_000_000);
    }

    @Test
    void fewDisturbedLooksDoNotCount() {
        Span fine = span(21_000_000, 10_000_000);
        Span fast = span(21_000_000, 9_000_000);
        Span slow = span(1_000_000, 10_000_000);
        assertThat(HostTsc.kilohertz(List.of(fast, fine, slow, fine, fine))).isEqualTo(2_100_000);
    }

    /** The kernel knows it too, but tells programs only now and then, and rounded: with its processor's name or speed. */
    @Test
    void thisMachineIsMeasuredOnceAndWithinReason() throws IOException {
        long measured = HostTsc.kilohertz().orElseThrow();
        assertThat(measured).isBetween(500_000L, 10_000_000L);
        assertThat(HostTsc.kilohertz()).hasValue(measured);

        Matcher name =
                Pattern.compile("model name.* @ ([0-9.]+)GHz").matcher(Files.readString(Path.of("/proc/cpuinfo")));
        if (name.find()) {
            double gigahertz = Double.parseDouble(name.group(1));
            assertThat(measured / 1e6).isBetween(gigahertz * 0.8, gigahertz * 1.2);
        }
    }
}
