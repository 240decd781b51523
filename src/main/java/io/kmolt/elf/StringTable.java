package io.kmolt.elf;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * A string table under reading (gABI chapter 4, "String Table"): NUL-terminated strings, named by their offset.
 *
 * <p>Strings may share tails, so a hostile table of n bytes can spell out n²/2 characters. What is handed out is
 * therefore counted, each offset once, and limited to a multiple of the table's size.
 *
 * <p>Bytes map to characters one to one (ISO 8859-1): a name that is read can always be written back.
 */
final class StringTable {
    /** Linkers share tails, but nowhere near this often. */
    private static final int MAX_SHARING = 16;

    private final String file;
    private final String section;
    private final MemorySegment contents;
    private final long offset;
    private final Map<Integer, String> known = new HashMap<>();
    private long budget;

    /**
     * @param contents the whole file
     * @throws ElfException if the table does not end in NUL
     */
    StringTable(String file, MemorySegment contents, ElfSection section, String label) throws ElfException {
        this.file = file;
        this.section = label;
        this.offset = section.offset();
        this.contents = contents.asSlice(section.offset(), section.size());
        this.budget = (section.size() + 64) * MAX_SHARING;
        if (section.size() > 0 && this.contents.get(ElfLayout.U8, section.size() - 1) != 0) {
            throw new ElfException(file, label, offset + section.size() - 1, "the string table does not end in NUL");
        }
    }

    /**
     * The string that begins at {@code at}.
     *
     * @param user file offset of the structure that names it, for the message
     */
    String get(int at, long user) throws ElfException {
        if (at == 0 && contents.byteSize() == 0) {
            return "";
        }
        if (at < 0 || at >= contents.byteSize()) {
            throw new ElfException(
                    file,
                    section,
                    user,
                    "name at " + Integer.toUnsignedString(at) + ", beyond the " + contents.byteSize()
                            + " bytes of the string table");
        }
        String name = known.get(at);
        if (name == null) {
            name = decode(at);
            known.put(at, name);
        }
        return name;
    }

    private String decode(int at) throws ElfException {
        long end = at;
        while (contents.get(ElfLayout.U8, end) != 0) {
            end++;
        }
        budget -= end - at;
        if (budget < 0) {
            throw new ElfException(
                    file, section, offset + at, "the strings overlap more often than any linker would make them");
        }
        byte[] bytes = contents.asSlice(at, end - at).toArray(ElfLayout.U8);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
