package io.kmolt.btf;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The compressed kernel in an x86 boot image.
 *
 * <p>The image's setup header says where: {@code payload_offset} counts from the protected-mode code, which follows
 * {@code setup_sects} + 1 sectors, and {@code payload_length} includes the size of the unpacked ELF file, appended as
 * 32 bits ({@code Documentation/x86/boot.rst}, {@code scripts/Makefile.lib} {@code size_append}).
 */
final class BzImage {
    private static final int SETUP_SECTS = 0x1f1;
    private static final int BOOT_FLAG = 0x1fe;
    private static final int HEADER = 0x202;
    private static final int VERSION = 0x206;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24c;
    private static final int HEADER_END = 0x250;

    private static final int HDRS = 0x53726448;
    /** Protocol 2.08 brought the two payload fields. */
    private static final int FIRST_VERSION = 0x208;

    private static final int SECTOR = 512;
    private static final int MAX_VMLINUX = 1 << 30;
    private static final int MAX_XZ_MEMORY_KIB = 512 * 1024;

    private static final VarHandle U16 = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private BzImage() {}

    /** The vmlinux ELF file in an image. */
    static byte[] unpack(String name, byte[] image) throws BtfException {
        if (image.length < HEADER_END
                || (short) U16.get(image, BOOT_FLAG) != (short) 0xaa55
                || (int) U32.get(image, HEADER) != HDRS
                || (short) U16.get(image, VERSION) < FIRST_VERSION) {
            throw new BtfException(name, "is not an x86 kernel image (bzImage, boot protocol 2.08 or later)");
        }
        int sectors = image[SETUP_SECTS] & 0xff;
        long from = (long) ((sectors == 0 ? 4 : sectors) + 1) * SECTOR
                + Integer.toUnsignedLong((int) U32.get(image, PAYLOAD_OFFSET));
        long length = Integer.toUnsignedLong((int) U32.get(image, PAYLOAD_LENGTH));
        if (length < 8 || from + length > image.length) {
            throw new BtfException(
                    name,
                    "its payload of %d bytes at 0x%x is not in its %d bytes".formatted(length, from, image.length));
        }
        long size = Integer.toUnsignedLong((int) U32.get(image, (int) (from + length - 4)));
        if (size > MAX_VMLINUX) {
            throw new BtfException(name, "its kernel would take %d bytes".formatted(size));
        }
        return decompress(name, Arrays.copyOfRange(image, (int) from, (int) (from + length - 4)), (int) size);
    }

    private static byte[] decompress(String name, byte[] payload, int size) throws BtfException {
        int magic = (int) U32.get(payload, 0);
        try {
            byte[] vmlinux = switch (magic) {
                case 0x587a37fd ->
                    readAll(new XZInputStream(new ByteArrayInputStream(payload), MAX_XZ_MEMORY_KIB), size);
                case 0xfd2fb528 -> Zstd.decompress(payload, size);
                default -> {
                    if ((magic & 0xffff) == 0x8b1f) {
                        yield readAll(new GZIPInputStream(new ByteArrayInputStream(payload)), size);
                    }
                    throw new BtfException(
                            name,
                            "its kernel is compressed in a way other than xz, zstd or gzip (magic 0x%08x)"
                                    .formatted(magic));
                }
            };
            if (vmlinux.length != size) {
                throw new BtfException(name, "its kernel ends after %d of %d bytes".formatted(vmlinux.length, size));
            }
            return vmlinux;
        } catch (IOException e) {
            throw new BtfException(name, "its kernel cannot be decompressed: " + e.getMessage(), e);
        }
    }

    private static byte[] readAll(InputStream decompressed, int size) throws IOException {
        try (decompressed) {
            return decompressed.readNBytes(size);
        }
    }
}
