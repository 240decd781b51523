package io.kmolt.elf;

import static io.kmolt.elf.ElfLayout.U32;
import static io.kmolt.elf.ElfLayout.U8;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sections that a kernel module carries about itself: {@code .note.gnu.build-id}, {@code .modinfo} and
 * {@code __versions}. An object without them has empty ones.
 *
 * @param buildId the linker's build-id, or null
 * @param modinfo pairs in file order; keys may repeat
 * @param versions the symbols that it imports
 */
record ModuleInfo(@Nullable MemorySegment buildId, List<Map.Entry<String, String>> modinfo, List<ModVersion> versions) {
    private static final int VERSION_SIZE = 64;
    private static final int VERSION_NAME = 8;

    static ModuleInfo read(String file, MemorySegment image, List<ElfSection> sections) throws ElfException {
        MemorySegment buildId = null;
        List<Map.Entry<String, String>> modinfo = List.of();
        List<ModVersion> versions = List.of();
        for (ElfSection section : sections.reversed()) { // of several by one name, the first counts
            if (!section.hasContent()) {
                continue;
            }
            MemorySegment contents = image.asSlice(section.offset(), section.size());
            switch (section.name()) {
                case ".note.gnu.build-id" -> buildId = readBuildId(file, section, contents);
                case ".modinfo" -> modinfo = readModinfo(file, section, contents);
                case "__versions" -> versions = readVersions(file, section, contents);
                default -> {}
            }
        }
        return new ModuleInfo(buildId, modinfo, versions);
    }

    /** gABI chapter 5, "Note Section"; Linux pads names and descriptors to 4 bytes also in 64-bit objects. */
    private static @Nullable MemorySegment readBuildId(String file, ElfSection section, MemorySegment notes)
            throws ElfException {
        long at = 0;
        while (at < notes.byteSize()) {
            long name = at + ElfLayout.NHDR_SIZE;
            if (name > notes.byteSize()) {
                throw new ElfException(file, section.name(), section.offset() + at, "truncated note");
            }
            long nameSize = Integer.toUnsignedLong(notes.get(U32, at + ElfLayout.N_NAMESZ));
            long descSize = Integer.toUnsignedLong(notes.get(U32, at + ElfLayout.N_DESCSZ));
            long desc = name + align4(nameSize);
            if (desc > notes.byteSize() || descSize > notes.byteSize() - desc) {
                throw new ElfException(file, section.name(), section.offset() + at, "note reaches beyond its section");
            }
            byte[] owner = notes.asSlice(name, nameSize).toArray(U8);
            if (notes.get(U32, at + ElfLayout.N_TYPE) == Elf.NT_GNU_BUILD_ID
                    && new String(owner, StandardCharsets.ISO_8859_1).equals("GNU\0")) {
                return notes.asSlice(desc, descSize);
            }
            at = desc + align4(descSize);
        }
        return null;
    }

    private static long align4(long size) {
        return (size + 3) & ~3L;
    }

    /** {@code key=value} strings, each ended by one NUL or more ({@code MODULE_INFO}, include/linux/moduleparam.h). */
    private static List<Map.Entry<String, String>> readModinfo(String file, ElfSection section, MemorySegment contents)
            throws ElfException {
        byte[] bytes = contents.toArray(U8);
        if (bytes.length > 0 && bytes[bytes.length - 1] != 0) {
            throw new ElfException(
                    file, section.name(), section.offset() + bytes.length - 1, "the last entry does not end in NUL");
        }
        List<Map.Entry<String, String>> entries = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != 0) {
                continue;
            }
            if (i > start) {
                String entry = new String(bytes, start, i - start, StandardCharsets.UTF_8);
                int equals = entry.indexOf('=');
                entries.add(
                        equals < 0
                                ? Map.entry(entry, "")
                                : Map.entry(entry.substring(0, equals), entry.substring(equals + 1)));
            }
            start = i + 1;
        }
        return List.copyOf(entries);
    }

    /** {@code struct modversion_info} (include/linux/module.h): an unsigned long of which 32 bits count, and a name. */
    private static List<ModVersion> readVersions(String file, ElfSection section, MemorySegment contents)
            throws ElfException {
        if (contents.byteSize() % VERSION_SIZE != 0) {
            throw new ElfException(
                    file,
                    section.name(),
                    section.offset(),
                    "size " + contents.byteSize() + " is no multiple of its entry size " + VERSION_SIZE);
        }
        List<ModVersion> versions = new ArrayList<>();
        for (long at = 0; at < contents.byteSize(); at += VERSION_SIZE) {
            byte[] name = contents.asSlice(at + VERSION_NAME, VERSION_SIZE - VERSION_NAME)
                    .toArray(U8);
            int end = 0;
            while (end < name.length && name[end] != 0) {
                end++;
            }
            if (end == name.length) {
                throw new ElfException(
                        file, section.name(), section.offset() + at, "a symbol's name does not end in NUL");
            }
            versions.add(new ModVersion(new String(name, 0, end, StandardCharsets.ISO_8859_1), contents.get(U32, at)));
        }
        return List.copyOf(versions);
    }
}
