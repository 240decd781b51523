package io.kmolt.elf;

import static io.kmolt.elf.ElfLayout.U16;
import static io.kmolt.elf.ElfLayout.U32;
import static io.kmolt.elf.ElfLayout.U8;

import java.lang.foreign.MemorySegment;

/** What kind of file this is, from its first bytes (gABI chapter 4, "ELF Header"). */
final class HeaderCheck {
    private HeaderCheck() {}

    /** Refuses what is not an ELF64 little-endian relocatable object for x86-64; {@code head} needs to be its beginning only. */
    static void check(String file, MemorySegment head) throws ElfException {
        long size = head.byteSize();
        if (size == 0) {
            throw new ElfException(file, null, 0, "the file is empty");
        }
        String compression = compression(size < 4 ? 0 : head.get(U32, 0));
        if (!compression.isEmpty()) {
            throw new ElfException(file, null, 0, "compressed with " + compression + "; decompress it first");
        }
        if (size < 4 || head.get(U32, 0) != ElfLayout.ELF_MAGIC) {
            throw new ElfException(file, null, 0, "not an ELF file");
        }
        if (size < ElfLayout.EHDR_SIZE) {
            throw new ElfException(file, null, size, "truncated within the ELF header");
        }
        expect(file, "ELF class", head.get(U8, ElfLayout.EI_CLASS), Elf.ELFCLASS64, "64-bit", ElfLayout.EI_CLASS);
        expect(
                file,
                "data encoding",
                head.get(U8, ElfLayout.EI_DATA),
                Elf.ELFDATA2LSB,
                "little-endian",
                ElfLayout.EI_DATA);
        expect(
                file,
                "ELF version",
                head.get(U8, ElfLayout.EI_VERSION),
                Elf.EV_CURRENT,
                "current",
                ElfLayout.EI_VERSION);
        expect(file, "machine", u16(head, ElfLayout.E_MACHINE), Elf.EM_X86_64, "x86-64", ElfLayout.E_MACHINE);
        expect(file, "object type", u16(head, ElfLayout.E_TYPE), Elf.ET_REL, "relocatable", ElfLayout.E_TYPE);
        expect(file, "ELF version", head.get(U32, ElfLayout.E_VERSION), Elf.EV_CURRENT, "current", ElfLayout.E_VERSION);
        expect(
                file,
                "ELF header size",
                u16(head, ElfLayout.E_EHSIZE),
                ElfLayout.EHDR_SIZE,
                "ELF64",
                ElfLayout.E_EHSIZE);
        expect(
                file,
                "section header size",
                u16(head, ElfLayout.E_SHENTSIZE),
                ElfLayout.SHDR_SIZE,
                "ELF64",
                ElfLayout.E_SHENTSIZE);
    }

    /** With what a file is compressed; empty if it is not, as far as its first bytes tell. */
    static String compression(byte[] file) {
        return compression(file.length < 4 ? 0 : MemorySegment.ofArray(file).get(U32, 0));
    }

    private static String compression(int first) {
        if (first == 0x587a_37fd) {
            return "xz";
        }
        if (first == 0xfd2f_b528) {
            return "zstd";
        }
        return (first & 0xffff) == 0x8b1f ? "gzip" : "";
    }

    private static void expect(String file, String what, int found, int wanted, String meaning, long at)
            throws ElfException {
        if (found != wanted) {
            throw new ElfException(
                    file, null, at, what + " is " + found + "; kmolt works with " + wanted + " (" + meaning + ")");
        }
    }

    private static int u16(MemorySegment segment, long at) {
        return Short.toUnsignedInt(segment.get(U16, at));
    }
}
