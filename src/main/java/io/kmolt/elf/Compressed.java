package io.kmolt.elf;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Files that distributions ship compressed: Debian's kernels from 6.6 on have their modules as {@code .ko.xz}.
 *
 * <p>xz and gzip are expanded. Anything else stays as it is; the reader of ELF names what it cannot read.
 */
public final class Compressed {
    /** No module comes near it; a few bytes may expand to anything. */
    private static final int MAX_SIZE = 1 << 28;

    private static final int MAX_XZ_MEMORY_KIB = 128 * 1024;

    private Compressed() {}

    /**
     * A file's bytes as they were before it was compressed, if it was.
     *
     * @param file what to call it in messages
     * @throws ElfException if it is damaged, or larger than any module
     */
    public static byte[] expand(String file, byte[] bytes) throws ElfException {
        String compression = HeaderCheck.compression(bytes);
        if (!compression.equals("xz") && !compression.equals("gzip")) {
            return bytes;
        }
        try (InputStream expanded = compression.equals("xz")
                ? new XZInputStream(new ByteArrayInputStream(bytes), MAX_XZ_MEMORY_KIB)
                : new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            byte[] whole = expanded.readNBytes(MAX_SIZE + 1);
            if (whole.length > MAX_SIZE) {
                throw new ElfException(
                        file, null, 0, "compressed with " + compression + ", and too large for a module");
            }
            return whole;
        } catch (IOException e) {
            throw new ElfException(
                    file, null, 0, "compressed with " + compression + ", and damaged: " + problem(e, compression));
        }
    }

    private static String problem(IOException e, String compression) {
        return e.getMessage() == null ? "no whole " + compression + " file" : e.getMessage();
    }
}
