package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * The kernel proper out of a bzImage.
 *
 * <p>A distribution kernel decompresses itself, which takes half of an emulated guest's boot. QEMU can start the
 * unpacked ELF file at its PVH entry just as well; only the loader's randomisation of addresses is missing then.
 *
 * <p>Format: Documentation/arch/x86/boot.rst, fields {@code setup_sects}, {@code header}, {@code version}, {@code
 * payload_offset} and {@code payload_length}.
 */
final class KernelImage {
    private static final int SETUP_SECTS = 0x1f1;
    private static final int HEADER_MAGIC = 0x202;
    private static final int VERSION = 0x206;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24c;
    private static final int SECTOR = 512;

    private KernelImage() {}

    /**
     * The unpacked kernel, from the cache or made now; empty when the image is of a kind that cannot be unpacked here,
     * which is no reason not to boot it.
     */
    static Optional<Path> unpacked(Kernel kernel) throws IOException {
        if (isAddressSanitized(kernel)) {
            return Optional.empty();
        }
        Path goal = kernel.folder().resolve("boot/vmlinux-" + kernel.version());
        if (Files.isRegularFile(goal)) {
            return Optional.of(goal);
        }
        ByteBuffer image = ByteBuffer.wrap(Files.readAllBytes(kernel.image())).order(ByteOrder.LITTLE_ENDIAN);
        byte[] payload = payload(image);
        List<String> unpacker = unpacker(payload);
        if (unpacker.isEmpty()) {
            return Optional.empty();
        }
        Path fresh = Files.createTempFile(kernel.folder().resolve("boot"), ".vmlinux", null);
        try {
            if (!unpack(unpacker, payload, fresh) || !isElf(fresh)) {
                return Optional.empty();
            }
            Files.move(fresh, goal, StandardCopyOption.ATOMIC_MOVE);
            return Optional.of(goal);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /** Its code at the PVH entry would look at shadow memory that is not mapped yet, so it has to load itself. */
    private static boolean isAddressSanitized(Kernel kernel) throws IOException {
        Path config = kernel.folder().resolve("boot/config-" + kernel.version());
        return Files.isRegularFile(config) && Files.readAllLines(config).contains("CONFIG_KASAN=y");
    }

    /** The compressed part, without the four bytes after it that tell the unpacked size; empty when there is none. */
    static byte[] payload(ByteBuffer image) {
        byte[] magic = new byte[4];
        if (image.capacity() < PAYLOAD_LENGTH + 4) {
            return new byte[0];
        }
        image.get(HEADER_MAGIC, magic);
        if (!new String(magic, US_ASCII).equals("HdrS") || image.getShort(VERSION) < 0x208) {
            return new byte[0];
        }
        int setupSectors = image.get(SETUP_SECTS) == 0 ? 4 : Byte.toUnsignedInt(image.get(SETUP_SECTS));
        long offset = (setupSectors + 1L) * SECTOR + Integer.toUnsignedLong(image.getInt(PAYLOAD_OFFSET));
        long length = Integer.toUnsignedLong(image.getInt(PAYLOAD_LENGTH)) - 4;
        if (length <= 0 || offset + length > image.capacity()) {
            return new byte[0];
        }
        byte[] payload = new byte[(int) length];
        image.get((int) offset, payload);
        return payload;
    }

    private static List<String> unpacker(byte[] payload) {
        int magic = payload.length < 4 ? 0 : ByteBuffer.wrap(payload).getInt();
        return switch (magic) {
            case 0xfd377a58 -> List.of("xz", "-dc");
            case 0x28b52ffd -> List.of("zstd", "-dc");
            default -> List.of();
        };
    }

    private static boolean unpack(List<String> unpacker, byte[] payload, Path goal) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(unpacker)
                    .redirectOutput(goal.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            return false; // not installed
        }
        try (OutputStream in = process.getOutputStream()) {
            in.write(payload);
        }
        try {
            return process.waitFor() == 0;
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while unpacking a kernel", e);
        }
    }

    private static boolean isElf(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            byte[] start = in.readNBytes(4);
            return start.length == 4 && ByteBuffer.wrap(start).getInt() == 0x7f454c46;
        }
    }
}
