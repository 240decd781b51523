package io.kmolt.btf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * BTF that took seconds to come by, in files named after a hash of what it was made from. Several tools may use a folder
 * at once: an entry appears whole, and one that has disappeared is made again.
 *
 * @param folder where it is; made when the first entry is
 */
record BtfCache(Path folder) {
    /** That of the user, {@code ${KMOLT_CACHE:-$HOME/.cache/kmolt}/btf}. */
    static BtfCache ofUser() {
        return new BtfCache(Optional.ofNullable(System.getenv("KMOLT_CACHE"))
                .filter(folder -> !folder.isEmpty())
                .map(Path::of)
                .orElseGet(() -> Path.of(
                        Objects.requireNonNullElse(System.getenv("HOME"), System.getProperty("user.home")),
                        ".cache",
                        "kmolt"))
                .resolve("btf"));
    }

    /** What is made of all these, in their order. */
    Path entry(byte[]... sources) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] source : sources) {
                if (sources.length > 1) { // so that no byte may pass from one to the next
                    digest.update((source.length + " ").getBytes(StandardCharsets.UTF_8));
                }
                digest.update(source);
            }
            return folder.resolve(HexFormat.of().formatHex(digest.digest()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform has SHA-256
        }
    }

    /** An entry's contents; empty if it is not there. It counts as used then, if it may be written. */
    static Optional<byte[]> find(Path entry) throws IOException {
        try {
            byte[] raw = Files.readAllBytes(entry);
            entry.toFile().setLastModified(System.currentTimeMillis());
            return Optional.of(raw);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Under a name of its own first, so that nobody reads half of it. */
    void store(Path entry, byte[] raw) throws IOException {
        Files.createDirectories(folder);
        Path part = Files.createTempFile(folder, "part-", "");
        try {
            Files.write(part, raw);
            Files.move(part, entry, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** Removes all entries but those that were used last. */
    void keepNewest(int count) throws IOException {
        List<Path> entries;
        try (Stream<Path> files = Files.list(folder)) {
            entries = files.sorted(Comparator.comparing(BtfCache::lastUsed).reversed())
                    .toList();
        }
        for (Path entry : entries.subList(Math.min(count, entries.size()), entries.size())) {
            Files.deleteIfExists(entry);
        }
    }

    private static FileTime lastUsed(Path entry) {
        try {
            return Files.getLastModifiedTime(entry);
        } catch (IOException e) {
            return FileTime.fromMillis(0); // somebody else has removed it
        }
    }
}
