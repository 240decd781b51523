package io.kmolt.btf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/**
 * Decompresses zstd through the system's {@code libzstd.so.1}, which dpkg itself needs. Two functions of its stable
 * interface ({@code zstd.h}); a kernel's window of 128 MiB is more than what the Java libraries take.
 */
final class Zstd {
    private static final String LIBRARY = "libzstd.so.1";

    private Zstd() {}

    /**
     * Decompresses one frame, or several that follow each other.
     *
     * @param size the most bytes that may come out
     */
    static byte[] decompress(byte[] compressed, int size) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup library;
            try {
                library = SymbolLookup.libraryLookup(LIBRARY, arena);
            } catch (IllegalArgumentException e) {
                throw new IOException(LIBRARY + " is not installed (Debian: apt install libzstd1)", e);
            }
            Linker linker = Linker.nativeLinker();
            MemorySegment from = arena.allocateFrom(JAVA_BYTE, compressed);
            MemorySegment to = arena.allocate(Math.max(1, size));
            long written = (long) linker.downcallHandle(
                            library.findOrThrow("ZSTD_decompress"),
                            FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG))
                    .invokeExact(to, (long) size, from, from.byteSize());
            int failed = (int) linker.downcallHandle(
                            library.findOrThrow("ZSTD_isError"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG))
                    .invokeExact(written);
            if (failed != 0) {
                throw new IOException("libzstd finds it damaged or larger than it says");
            }
            return to.asSlice(0, written).toArray(JAVA_BYTE);
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e); // neither function throws
        }
    }
}
