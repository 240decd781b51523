package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Probes of {@code kmolt_unwind}: whenever an instruction is reached, the stack is unwound from there. */
final class UnwindProbes implements AutoCloseable {
    private static final String FILE = "/proc/kmolt_unwind";
    private static final Pattern LINE = Pattern.compile(
            "  ([0-9a-f]{16}) (\\S+)(?: \\[\\w+\\])? hits=(\\d+) errors=(\\d+) lost=(\\d+) callers=(.*)");

    private final EditionGuest guest;

    /**
     * What came of one instruction.
     *
     * @param address its own
     * @param symbol the function that it is in, with its offset
     * @param hits how often it was reached
     * @param errors how often the unwinder reported that it could not be relied upon
     * @param lost how often it met an address that is no code, or no end
     * @param callers what it found above the instruction on the last hit
     */
    record Probe(long address, String symbol, int hits, int errors, int lost, List<String> callers) {}

    /** Puts none yet. */
    UnwindProbes(EditionGuest guest) {
        this.guest = guest;
    }

    /** Puts one on each instruction from an address up to another, which must be where an instruction begins. */
    UnwindProbes range(long from, long to) throws IOException {
        guest.sh("echo range %x %d >%s".formatted(from, to - from, FILE));
        return this;
    }

    /** What came of them, by address. */
    List<Probe> read() throws IOException {
        List<Probe> probes = new ArrayList<>();
        for (String line : guest.sh("tail -n +2 " + FILE).lines().toList()) {
            Matcher probe = LINE.matcher("  " + line.strip());
            // Where the kernel lets no probe be put, there is no such line.
            assertThat(probe.matches()).as(line).isTrue();
            probes.add(new Probe(
                    Long.parseUnsignedLong(probe.group(1), 16),
                    probe.group(2),
                    Integer.parseInt(probe.group(3)),
                    Integer.parseInt(probe.group(4)),
                    Integer.parseInt(probe.group(5)),
                    List.of(probe.group(6).split(","))));
        }
        assertThat(probes).isNotEmpty();
        return probes;
    }

    @Override
    public void close() throws IOException {
        guest.sh("echo off >" + FILE);
    }
}
