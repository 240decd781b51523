package io.kmolt.btf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

/** A boot image that holds a vmlinux of one section, assembled without the code under test. */
final class SyntheticImage {
    private static final int SETUP_SECTORS = 3;
    private static final int PAYLOAD_OFFSET = 100;

    private SyntheticImage() {}

    /** An ELF file with one named section. */
    static byte[] vmlinux(String section, byte[] content) {
        byte[] names = ("\0.shstrtab\0" + section + "\0").getBytes(StandardCharsets.US_ASCII);
        int table = 64 + content.length + names.length;
        ByteBuffer out = ByteBuffer.allocate(table + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        out.putLong(40, table).putShort(58, (short) 64).putShort(60, (short) 3).putShort(62, (short) 1);
        out.put(64, content).put(64 + content.length, names);
        header(out, table + 64, 1, 3, 64 + content.length, names.length);
        header(out, table + 128, 11, 1, 64, content.length);
        return out.array();
    }

    private static void header(ByteBuffer out, int at, int name, int type, long offset, long size) {
        out.putInt(at, name).putInt(at + 4, type).putLong(at + 24, offset).putLong(at + 32, size);
    }

    /** A bzImage around a payload that is compressed already. */
    static byte[] bzImage(byte[] compressed, int unpackedSize) {
        int at = (SETUP_SECTORS + 1) * 512 + PAYLOAD_OFFSET;
        ByteBuffer out = ByteBuffer.allocate(at + compressed.length + 4 + 50).order(ByteOrder.LITTLE_ENDIAN);
        out.put(0x1f1, (byte) SETUP_SECTORS).putShort(0x1fe, (short) 0xaa55);
        out.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII)).putShort(0x206, (short) 0x20f);
        out.putInt(0x248, PAYLOAD_OFFSET).putInt(0x24c, compressed.length + 4);
        out.put(at, compressed).putInt(at + compressed.length, unpackedSize);
        return out.array();
    }

    static byte[] xzWithBranchFilter(byte[] data) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        FilterOptions[] filters = {new X86Options(), new LZMA2Options()};
        try (XZOutputStream xz = new XZOutputStream(out, filters, XZ.CHECK_CRC32)) {
            xz.write(data);
        }
        return out.toByteArray();
    }

    static byte[] gzip(byte[] data) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(data);
        }
        return out.toByteArray();
    }

    /** One zstd frame with one raw block (RFC 8878, sections 3.1.1.1 and 3.1.1.2). */
    static byte[] zstd(byte[] data) {
        ByteBuffer out = ByteBuffer.allocate(data.length + 12).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(0xfd2fb528).put((byte) 0xa0).putInt(data.length);
        int block = data.length << 3 | 1;
        out.put((byte) block).put((byte) (block >> 8)).put((byte) (block >> 16));
        return out.put(data).array();
    }
}
