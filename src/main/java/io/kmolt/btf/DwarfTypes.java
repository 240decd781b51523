package io.kmolt.btf;

import io.kmolt.elf.ElfObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The types of builds that have only DWARF. {@link Pahole} makes them; it takes seconds for a large module, and a swap on
 * top of other builds asks for those of each, so that what it made last is kept,
 * {@code ${KMOLT_CACHE:-$HOME/.cache/kmolt}/btf/made/HASH}. A damaged entry is replaced.
 */
public final class DwarfTypes {
    /** So many builds are remembered: more than are ever loaded of one module, and some for those who compare. */
    static final int KEPT = 128;

    private final Pahole.Run pahole;
    private final BtfCache cache;

    DwarfTypes(Pahole.Run pahole, BtfCache cache) {
        this.pahole = pahole;
        this.cache = cache;
    }

    /**
     * The types of a build.
     *
     * @param object with debugging information
     * @param kernel the one that it was built for; without it, all types that the object knows are its own
     * @throws BtfException if pahole is missing or fails
     * @throws IOException if the cache cannot be used
     */
    public static Btf of(ElfObject object, Optional<VmlinuxBtf> kernel) throws BtfException, IOException {
        BtfCache cache = new BtfCache(BtfCache.ofUser().folder().resolve("made"));
        return new DwarfTypes(new Pahole.Run("pahole"), cache).types(object, kernel);
    }

    Btf types(ElfObject object, Optional<VmlinuxBtf> kernel) throws BtfException, IOException {
        String base = kernel.map(k -> k.file().getFileName().toString()).orElse("");
        Path entry = cache.entry(
                pahole.version().getBytes(StandardCharsets.UTF_8),
                base.getBytes(StandardCharsets.UTF_8),
                object.bytes());
        Optional<byte[]> known = BtfCache.find(entry);
        if (known.isPresent()) {
            try {
                return parse(object, known.get(), kernel);
            } catch (BtfException e) {
                Files.deleteIfExists(entry); // cut short or damaged
            }
        }
        byte[] raw = pahole.encode(object, kernel.map(VmlinuxBtf::file));
        Btf types = parse(object, raw, kernel);
        cache.store(entry, raw);
        cache.keepNewest(KEPT);
        return types;
    }

    private static Btf parse(ElfObject object, byte[] raw, Optional<VmlinuxBtf> kernel) throws BtfException {
        return kernel.isPresent()
                ? Btf.parseSplit(object.name(), raw, kernel.get().types())
                : Btf.parse(object.name(), raw);
    }
}
