package io.kmolt.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A kernel's BTF comes out of its image, once. */
class VmlinuxBtfTest {
    @TempDir
    Path folder;

    private Path image = Path.of("");
    private BtfCache cache = new BtfCache(Path.of(""));
    private byte[] vmlinux = {};

    @BeforeEach
    void aKernelWithOneType() {
        BtfWriter writer = new BtfWriter();
        writer.integer("the kernel's int", 4, BtfWriter.SIGNED);
        vmlinux = SyntheticImage.vmlinux(".BTF", writer.bytes());
        image = folder.resolve("vmlinuz");
        cache = new BtfCache(folder.resolve("cache"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"xz", "gzip", "zstd"})
    void isFoundWhateverTheCompression(String how) throws Exception {
        byte[] compressed = switch (how) {
            case "xz" -> SyntheticImage.xzWithBranchFilter(vmlinux);
            case "gzip" -> SyntheticImage.gzip(vmlinux);
            default -> SyntheticImage.zstd(vmlinux);
        };
        Files.write(image, SyntheticImage.bzImage(compressed, vmlinux.length));
        Btf btf = VmlinuxBtf.read(image, cache).types();
        assertThat(btf.nameOf(1)).isEqualTo("the kernel's int");
        assertThat(btf.name()).isEqualTo(image.toString());
    }

    @Test
    void isKeptInTheCache() throws Exception {
        Files.write(image, SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), vmlinux.length));
        VmlinuxBtf.read(image, cache);
        List<Path> entries = entries();
        assertThat(entries)
                .singleElement()
                .satisfies(e -> assertThat(e.getFileName().toString()).matches("[0-9a-f]{64}"));
        BtfWriter other = new BtfWriter();
        other.integer("from the cache", 4, 0);
        Files.write(entries.getFirst(), other.bytes());
        assertThat(VmlinuxBtf.read(image, cache).types().nameOf(1)).isEqualTo("from the cache");
    }

    @Test
    void replacesADamagedCacheEntry() throws Exception {
        Files.write(image, SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), vmlinux.length));
        VmlinuxBtf.read(image, cache);
        Path entry = entries().getFirst();
        byte[] good = Files.readAllBytes(entry);
        Files.write(entry, new byte[] {1, 2, 3});
        assertThat(VmlinuxBtf.read(image, cache).types().nameOf(1)).isEqualTo("the kernel's int");
        assertThat(Files.readAllBytes(entry)).isEqualTo(good);
    }

    @Test
    void aKernelWithoutBtfIsNamedAsSuch() throws Exception {
        byte[] none = SyntheticImage.vmlinux(".text", new byte[10]);
        Files.write(image, SyntheticImage.bzImage(SyntheticImage.gzip(none), none.length));
        assertThatThrownBy(() -> VmlinuxBtf.read(image, cache))
                .isInstanceOf(BtfException.class)
                .hasMessageContainingAll(image.toString(), "CONFIG_DEBUG_INFO_BTF");
    }

    @Test
    void refusesWhatIsNoImage() throws Exception {
        refuses(new byte[10], "is not an x86 kernel image");
        refuses(new byte[5000], "is not an x86 kernel image");
        byte[] old = SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), vmlinux.length);
        old[0x206] = 7;
        old[0x207] = 2;
        refuses(old, "boot protocol 2.08");
    }

    @Test
    void refusesAPayloadThatIsNotInTheImage() throws Exception {
        byte[] bytes = SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), vmlinux.length);
        bytes[0x24f] = 0x7f;
        refuses(bytes, "its payload of");
    }

    @Test
    void refusesUnknownCompression() throws Exception {
        refuses(SyntheticImage.bzImage(vmlinux, vmlinux.length), "other than xz, zstd or gzip (magic 0x464c457f)");
    }

    @Test
    void refusesAKernelOfAnotherLength() throws Exception {
        refuses(SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), vmlinux.length + 1), "ends after");
        refuses(SyntheticImage.bzImage(SyntheticImage.gzip(vmlinux), -1), "would take 4294967295 bytes");
    }

    @Test
    void refusesDamagedStreams() throws Exception {
        for (byte[] compressed : List.of(
                SyntheticImage.gzip(vmlinux),
                SyntheticImage.xzWithBranchFilter(vmlinux),
                SyntheticImage.zstd(vmlinux))) {
            byte[] cut = Arrays.copyOf(compressed, compressed.length - 30);
            refuses(SyntheticImage.bzImage(cut, vmlinux.length), "vmlinuz: ");
        }
    }

    @Test
    void refusesAKernelThatIsNoElfFile() throws Exception {
        byte[] text = "no ELF file at all".repeat(10).getBytes(StandardCharsets.US_ASCII);
        refuses(SyntheticImage.bzImage(SyntheticImage.gzip(text), text.length), "not a little-endian ELF64 file");
    }

    @Test
    void damagedSectionHeadersAreRefusedOrFindNothing() throws BtfException {
        Random random = new Random(42);
        for (int round = 0; round < 20_000; round++) {
            byte[] bad = vmlinux.clone();
            int headers = 64 + random.nextInt(bad.length - 64);
            bad[random.nextBoolean() ? random.nextInt(64) : headers] = (byte) random.nextInt(256);
            bad[bad.length - 1 - random.nextInt(192)] = (byte) random.nextInt(256);
            try {
                ElfImage.section("bad", bad, ".BTF");
            } catch (BtfException e) {
                assertThat(e).hasMessageStartingWith("bad: ");
            }
        }
    }

    private void refuses(byte[] bytes, String why) throws IOException {
        Files.write(image, bytes);
        assertThatThrownBy(() -> VmlinuxBtf.read(image, cache))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining(why);
        assertThat(entries()).isEmpty();
    }

    private List<Path> entries() throws IOException {
        if (!Files.exists(cache.folder())) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(cache.folder())) {
            return files.toList();
        }
    }
}
