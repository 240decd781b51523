package io.kmolt.elf;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The structures of an ELF64 little-endian file as they lie on disk (gABI chapter 4), and the offsets of their members.
 * Nothing in a file need be aligned.
 */
final class ElfLayout {
    static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** {@code Elf64_Ehdr}. */
    static final StructLayout HEADER = MemoryLayout.structLayout(
            U32.withName("ei_magic"),
            U8.withName("ei_class"),
            U8.withName("ei_data"),
            U8.withName("ei_version"),
            MemoryLayout.paddingLayout(9),
            U16.withName("e_type"),
            U16.withName("e_machine"),
            U32.withName("e_version"),
            U64.withName("e_entry"),
            U64.withName("e_phoff"),
            U64.withName("e_shoff"),
            U32.withName("e_flags"),
            U16.withName("e_ehsize"),
            U16.withName("e_phentsize"),
            U16.withName("e_phnum"),
            U16.withName("e_shentsize"),
            U16.withName("e_shnum"),
            U16.withName("e_shstrndx"));

    static final int EHDR_SIZE = (int) HEADER.byteSize();
    static final int ELF_MAGIC = 0x464c457f;
    static final long EI_CLASS = offset(HEADER, "ei_class");
    static final long EI_DATA = offset(HEADER, "ei_data");
    static final long EI_VERSION = offset(HEADER, "ei_version");
    static final long E_TYPE = offset(HEADER, "e_type");
    static final long E_MACHINE = offset(HEADER, "e_machine");
    static final long E_VERSION = offset(HEADER, "e_version");
    static final long E_SHOFF = offset(HEADER, "e_shoff");
    static final long E_EHSIZE = offset(HEADER, "e_ehsize");
    static final long E_SHENTSIZE = offset(HEADER, "e_shentsize");
    static final long E_SHNUM = offset(HEADER, "e_shnum");
    static final long E_SHSTRNDX = offset(HEADER, "e_shstrndx");

    /** {@code Elf64_Shdr}. */
    static final StructLayout SECTION = MemoryLayout.structLayout(
            U32.withName("sh_name"),
            U32.withName("sh_type"),
            U64.withName("sh_flags"),
            U64.withName("sh_addr"),
            U64.withName("sh_offset"),
            U64.withName("sh_size"),
            U32.withName("sh_link"),
            U32.withName("sh_info"),
            U64.withName("sh_addralign"),
            U64.withName("sh_entsize"));

    static final int SHDR_SIZE = (int) SECTION.byteSize();
    static final long SH_NAME = offset(SECTION, "sh_name");
    static final long SH_TYPE = offset(SECTION, "sh_type");
    static final long SH_FLAGS = offset(SECTION, "sh_flags");
    static final long SH_ADDR = offset(SECTION, "sh_addr");
    static final long SH_OFFSET = offset(SECTION, "sh_offset");
    static final long SH_SIZE = offset(SECTION, "sh_size");
    static final long SH_LINK = offset(SECTION, "sh_link");
    static final long SH_INFO = offset(SECTION, "sh_info");
    static final long SH_ADDRALIGN = offset(SECTION, "sh_addralign");
    static final long SH_ENTSIZE = offset(SECTION, "sh_entsize");

    /** {@code Elf64_Sym}. */
    static final StructLayout SYMBOL = MemoryLayout.structLayout(
            U32.withName("st_name"),
            U8.withName("st_info"),
            U8.withName("st_other"),
            U16.withName("st_shndx"),
            U64.withName("st_value"),
            U64.withName("st_size"));

    static final int SYM_SIZE = (int) SYMBOL.byteSize();
    static final long ST_NAME = offset(SYMBOL, "st_name");
    static final long ST_INFO = offset(SYMBOL, "st_info");
    static final long ST_OTHER = offset(SYMBOL, "st_other");
    static final long ST_SHNDX = offset(SYMBOL, "st_shndx");
    static final long ST_VALUE = offset(SYMBOL, "st_value");
    static final long ST_SIZE = offset(SYMBOL, "st_size");

    /** {@code Elf64_Rela}; {@code r_info} is the type in its low half and the symbol in its high half. */
    static final StructLayout RELA = MemoryLayout.structLayout(
            U64.withName("r_offset"), U32.withName("r_type"), U32.withName("r_sym"), U64.withName("r_addend"));

    static final int RELA_SIZE = (int) RELA.byteSize();
    static final long R_OFFSET = offset(RELA, "r_offset");
    static final long R_TYPE = offset(RELA, "r_type");
    static final long R_SYM = offset(RELA, "r_sym");
    static final long R_ADDEND = offset(RELA, "r_addend");

    /** {@code Elf64_Nhdr}, the head of a note. */
    static final StructLayout NOTE =
            MemoryLayout.structLayout(U32.withName("n_namesz"), U32.withName("n_descsz"), U32.withName("n_type"));

    static final int NHDR_SIZE = (int) NOTE.byteSize();
    static final long N_NAMESZ = offset(NOTE, "n_namesz");
    static final long N_DESCSZ = offset(NOTE, "n_descsz");
    static final long N_TYPE = offset(NOTE, "n_type");

    private ElfLayout() {}

    private static long offset(StructLayout struct, String member) {
        PathElement element = groupElement(member);
        return struct.byteOffset(element);
    }
}
