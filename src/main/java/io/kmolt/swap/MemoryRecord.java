package io.kmolt.swap;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The record that the core keeps in kernel memory, {@code struct kmolt_record} in {@code kernel/kmolt_abi.h}.
 *
 * @param offset where it was found in the image, in bytes
 * @param address where it is in the kernel's address space
 * @param bootId of the boot that it is about
 * @param release of the kernel
 * @param count how many changes there were; only the last ones are kept
 * @param entries these, oldest first
 */
public record MemoryRecord(
        long offset, String address, String bootId, String release, long count, List<Entry> entries) {
    static final int ALIGNMENT = 4096;
    static final int SIZE = 4 * ALIGNMENT;
    static final long MAGIC = 0x0a5a746c6f6d6bL;
    private static final int VERSION = 1;
    private static final int HEADER_SIZE = 256;
    private static final int ENTRY_SIZE = 256;

    /**
     * A change.
     *
     * @param number 1 for the first one since the core was loaded
     * @param seconds when: since 1970
     * @param verb {@code staged}, {@code committed}, {@code reverted}, {@code discarded} or {@code unloaded}
     * @param module the base
     * @param edition with what
     * @param buildId of that
     * @param answers who answers since then
     * @param pid process that did it
     * @param command its name
     * @param uid user
     * @param pauseNanos how long all CPUs stood still, in nanoseconds
     */
    public record Entry(
            long number,
            long seconds,
            String verb,
            String module,
            String edition,
            String buildId,
            String answers,
            long pid,
            String command,
            long uid,
            long pauseNanos) {}

    /**
     * Reads one.
     *
     * @param image its bytes and perhaps more
     * @param at where it would begin
     * @param offset where that is in the whole image
     * @return empty if there is none
     */
    static Optional<MemoryRecord> read(ByteBuffer image, int at, long offset) {
        ByteBuffer bytes = image.slice(at, Math.min(SIZE, image.limit() - at)).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.remaining() < SIZE
                || bytes.getLong(0) != MAGIC
                || bytes.getLong(8) != ~MAGIC
                || bytes.getInt(16) != VERSION
                || bytes.getInt(20) != HEADER_SIZE
                || bytes.getInt(24) != ENTRY_SIZE
                || bytes.getInt(28) != (SIZE - HEADER_SIZE) / ENTRY_SIZE) {
            return Optional.empty();
        }
        List<Entry> entries = new ArrayList<>();
        for (int start = HEADER_SIZE; start < SIZE; start += ENTRY_SIZE) {
            if (bytes.getLong(start) != 0) {
                entries.add(entry(bytes, start));
            }
        }
        entries.sort(Comparator.comparingLong(Entry::number));
        return Optional.of(new MemoryRecord(
                offset,
                Long.toHexString(bytes.getLong(40)),
                text(bytes, 48, 64),
                text(bytes, 112, 64),
                bytes.getLong(32),
                List.copyOf(entries)));
    }

    private static Entry entry(ByteBuffer bytes, int start) {
        byte[] buildId = new byte[20];
        bytes.get(start + 232, buildId);
        return new Entry(
                bytes.getLong(start),
                bytes.getLong(start + 8),
                text(bytes, start + 32, 16),
                text(bytes, start + 64, 56),
                text(bytes, start + 120, 56),
                HexFormat.of().formatHex(buildId),
                text(bytes, start + 176, 56),
                Integer.toUnsignedLong(bytes.getInt(start + 24)),
                text(bytes, start + 48, 16),
                Integer.toUnsignedLong(bytes.getInt(start + 28)),
                bytes.getLong(start + 16));
    }

    private static String text(ByteBuffer bytes, int start, int size) {
        byte[] field = new byte[size];
        bytes.get(start, field);
        int length = 0;
        while (length < size && field[length] != 0) {
            length++;
        }
        return new String(field, 0, length, StandardCharsets.UTF_8);
    }
}
