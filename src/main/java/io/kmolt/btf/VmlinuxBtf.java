package io.kmolt.btf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A kernel's own BTF, out of the compressed image that distributions ship as {@code /boot/vmlinuz-VERSION}.
 *
 * <p>Unpacking an image takes seconds, so the {@code .BTF} section found in it is kept in a cache,
 * {@code ${KMOLT_CACHE:-$HOME/.cache/kmolt}/btf/SHA256-OF-THE-IMAGE}. A damaged cache entry is replaced.
 *
 * @param types what it says
 * @param file a file that holds it, as {@code pahole --btf_base} wants it; it belongs to the cache: read it only
 */
public record VmlinuxBtf(Btf types, Path file) {
    /**
     * Reads a kernel image's BTF.
     *
     * @param vmlinuz a bzImage whose payload is compressed with xz, zstd or gzip
     * @throws BtfException if it is no such image, or holds no usable BTF
     * @throws IOException if it cannot be read, or the cache not be written
     */
    public static VmlinuxBtf read(Path vmlinuz) throws BtfException, IOException {
        return read(vmlinuz, BtfCache.ofUser());
    }

    static VmlinuxBtf read(Path vmlinuz, BtfCache cache) throws BtfException, IOException {
        byte[] image = Files.readAllBytes(vmlinuz);
        Path entry = cache.entry(image);
        Optional<byte[]> known = BtfCache.find(entry);
        if (known.isPresent()) {
            try {
                return new VmlinuxBtf(Btf.parse(vmlinuz.toString(), known.get()), entry);
            } catch (BtfException _) {
                Files.deleteIfExists(entry); // cut short or damaged: what the image holds counts
            }
        }
        byte[] raw = extract(vmlinuz, image);
        Btf btf = Btf.parse(vmlinuz.toString(), raw);
        cache.store(entry, raw);
        return new VmlinuxBtf(btf, entry);
    }

    private static byte[] extract(Path vmlinuz, byte[] image) throws BtfException {
        byte[] vmlinux = BzImage.unpack(vmlinuz.toString(), image);
        return ElfImage.section(vmlinuz.toString(), vmlinux, ".BTF")
                .orElseThrow(() -> new BtfException(
                        vmlinuz.toString(), "the kernel was built without CONFIG_DEBUG_INFO_BTF: it has no .BTF"));
    }
}
