package io.kmolt.swap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A kernel's memory in a file: an ELF core (a crash dump of kdump, what QEMU's {@code dump-guest-memory} writes, {@code
 * /proc/kcore}), or the bytes of physical memory as they are. It is read once, from beginning to end.
 */
public final class MemoryImage {
    private static final int ET_CORE = 4;
    private static final int PT_LOAD = 1;

    /** Larger than any machine's memory: address space that is not backed, as /proc/kcore's vmalloc segment. */
    private static final long LARGEST_SEGMENT = 1L << 44;

    private static final int CHUNK = 1 << 20;

    private MemoryImage() {}

    /** Some bytes of the file that are neighbours in memory. */
    private record Segment(long offset, long size) {}

    /**
     * Finds the records in an image.
     *
     * @throws SwapException if the file is none that can be read
     */
    public static List<MemoryRecord> records(Path file) throws IOException, SwapException {
        try (FileChannel channel = FileChannel.open(file)) {
            List<MemoryRecord> records = new ArrayList<>();
            for (Segment segment : segments(file, channel)) {
                scan(channel, segment, records);
            }
            return records;
        }
    }

    private static List<Segment> segments(Path file, FileChannel channel) throws IOException, SwapException {
        ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        read(channel, header, 0);
        String start = new String(header.array(), 0, 8, StandardCharsets.ISO_8859_1);
        if (start.startsWith("KDUMP") || start.startsWith("makedump")) {
            throw SwapException.unfit(file
                    + " is compressed by makedumpfile: in crash(8), \"rd kmolt_record\" shows the record's address, and"
                    + " \"rd -r FILE ADDRESS 16384\" saves it to a file, which this command reads");
        }
        if (!start.startsWith("\177ELF")) {
            return List.of(new Segment(0, channel.size()));
        }
        if (header.get(4) != 2 || header.getShort(16) != ET_CORE) {
            throw SwapException.unfit(file + " is an ELF file, but no 64-bit core: not an image of memory");
        }
        List<Segment> segments = new ArrayList<>();
        long at = header.getLong(32);
        int size = Short.toUnsignedInt(header.getShort(54));
        int count = Short.toUnsignedInt(header.getShort(56));
        ByteBuffer entry = ByteBuffer.allocate(56).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            entry.clear();
            read(channel, entry, at + (long) i * size);
            long bytes = entry.getLong(32);
            // Where p_paddr is -1, there is no physical memory behind it one to one (fs/proc/kcore.c).
            if (entry.getInt(0) == PT_LOAD && bytes > 0 && bytes < LARGEST_SEGMENT && entry.getLong(24) != -1) {
                segments.add(new Segment(entry.getLong(8), bytes));
            }
        }
        return segments;
    }

    /** The record begins on a page, and a segment does too. */
    private static void scan(FileChannel channel, Segment segment, List<MemoryRecord> records) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK + MemoryRecord.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        for (long done = 0; done < segment.size(); done += CHUNK) {
            // The end of this chunk comes again with the next one, so that no record is cut in two.
            chunk.clear().limit((int) Math.min(chunk.capacity(), segment.size() - done));
            read(channel, chunk, segment.offset() + done);
            int end = Math.min(CHUNK, chunk.limit());
            for (int at = 0; at + Long.BYTES <= end; at += MemoryRecord.ALIGNMENT) {
                if (chunk.getLong(at) == MemoryRecord.MAGIC) {
                    MemoryRecord.read(chunk, at, segment.offset() + done + at).ifPresent(records::add);
                }
            }
        }
    }

    /** Fills a buffer as far as the file goes; what it does not have is 0. */
    private static void read(FileChannel channel, ByteBuffer buffer, long offset) throws IOException {
        int start = buffer.position();
        int limit = buffer.limit();
        while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position() - start) > 0) {
            // goes on
        }
        while (buffer.hasRemaining()) {
            buffer.put((byte) 0);
        }
        buffer.position(start).limit(limit);
    }
}
