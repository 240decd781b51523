package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.util.HashSet;
import java.util.Set;

/**
 * Writes an initramfs archive: cpio "newc", the format that the kernel unpacks
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Everything belongs to root and has time stamp 0, so that
 * equal content makes equal archives.
 */
final class CpioWriter {
    private static final int FOLDER = 0040000;
    private static final int REGULAR = 0100000;

    private final OutputStream out;
    private final Set<String> folders = new HashSet<>();
    private int inode;
    private long written;

    CpioWriter(OutputStream out) {
        this.out = out;
    }

    /** Adds a folder with mode 0755, and those above it. */
    void folder(String path) throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            folder(path.substring(0, slash));
        }
        if (folders.add(path)) {
            entry(path, FOLDER | 0755, new byte[0]);
        }
    }

    /**
     * Adds a regular file, and the folders above it.
     *
     * @param path relative to the root, without a leading slash
     * @param permissions such as 0755
     */
    void file(String path, int permissions, byte[] content) throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            folder(path.substring(0, slash));
        }
        entry(path, REGULAR | permissions, content);
    }

    /** Writes the end of the archive; the stream stays open. */
    void finish() throws IOException {
        inode = -1;
        entry("TRAILER!!!", 0, new byte[0]);
    }

    private void entry(String path, int mode, byte[] content) throws IOException {
        byte[] name = path.getBytes(UTF_8);
        int[] fields = {
            ++inode,
            mode,
            0,
            0, // inode, mode, uid, gid
            mode >>> 12 == 4 ? 2 : 1,
            0,
            content.length, // links, time, size
            0,
            0,
            0,
            0, // device of the file, device that it is
            name.length + 1,
            0 // name with its NUL, no checksum
        };
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) {
            header.append(String.format("%08X", field));
        }
        write(header.toString().getBytes(US_ASCII));
        write(name);
        write(new byte[1]);
        pad();
        write(content);
        pad();
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        written += bytes.length;
    }

    /** Names and contents begin at multiples of four. */
    private void pad() throws IOException {
        write(new byte[(int) (-written & 3)]);
    }
}
