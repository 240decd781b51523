package io.kmolt.elf;

/**
 * The numbers of ELF64 relocatable objects for x86-64, under the names that their specifications give them.
 *
 * <p>Sources: System V gABI, chapter 4 ("Object Files": ELF header, sections, string table, symbol table,
 * relocation); the x86-64 psABI, section 4.4 ("Relocation"); {@code include/uapi/linux/elf.h} for what is
 * the Linux kernel's own.
 */
public final class Elf {
    /** {@code e_ident[EI_CLASS]}: 64-bit objects. */
    public static final int ELFCLASS64 = 2;

    /** {@code e_ident[EI_DATA]}: two's complement, little-endian. */
    public static final int ELFDATA2LSB = 1;

    /** The only version of the format. */
    public static final int EV_CURRENT = 1;

    /** {@code e_type}: relocatable object. */
    public static final int ET_REL = 1;

    /** {@code e_machine}: AMD x86-64. */
    public static final int EM_X86_64 = 62;

    // Section indexes with a meaning of their own (gABI, "Special Section Indexes").
    public static final int SHN_UNDEF = 0;
    public static final int SHN_LORESERVE = 0xff00;

    /** psABI: common block of the large code model. */
    public static final int SHN_X86_64_LCOMMON = 0xff02;

    /** {@code SHN_LIVEPATCH}: a symbol that the kernel's livepatch code resolves. */
    public static final int SHN_LIVEPATCH = 0xff20;

    public static final int SHN_ABS = 0xfff1;
    public static final int SHN_COMMON = 0xfff2;
    public static final int SHN_XINDEX = 0xffff;

    // Section types (gABI, "sh_type").
    public static final int SHT_NULL = 0;
    public static final int SHT_PROGBITS = 1;
    public static final int SHT_SYMTAB = 2;
    public static final int SHT_STRTAB = 3;
    public static final int SHT_RELA = 4;
    public static final int SHT_NOTE = 7;
    public static final int SHT_NOBITS = 8;
    public static final int SHT_REL = 9;
    public static final int SHT_INIT_ARRAY = 14;
    public static final int SHT_FINI_ARRAY = 15;
    public static final int SHT_PREINIT_ARRAY = 16;
    public static final int SHT_GROUP = 17;
    public static final int SHT_SYMTAB_SHNDX = 18;

    // Section flags (gABI, "sh_flags").
    public static final long SHF_WRITE = 0x1;
    public static final long SHF_ALLOC = 0x2;
    public static final long SHF_EXECINSTR = 0x4;
    public static final long SHF_MERGE = 0x10;
    public static final long SHF_STRINGS = 0x20;
    public static final long SHF_INFO_LINK = 0x40;
    public static final long SHF_LINK_ORDER = 0x80;
    public static final long SHF_GROUP = 0x200;
    public static final long SHF_TLS = 0x400;
    public static final long SHF_COMPRESSED = 0x800;

    /** The kernel's own: relocations that livepatch applies, not the module loader. */
    public static final long SHF_RELA_LIVEPATCH = 0x0010_0000;

    // Symbol bindings (gABI, "st_info").
    public static final int STB_LOCAL = 0;
    public static final int STB_GLOBAL = 1;
    public static final int STB_WEAK = 2;

    // Symbol types (gABI, "st_info").
    public static final int STT_NOTYPE = 0;
    public static final int STT_OBJECT = 1;
    public static final int STT_FUNC = 2;
    public static final int STT_SECTION = 3;
    public static final int STT_FILE = 4;
    public static final int STT_COMMON = 5;
    public static final int STT_TLS = 6;

    // Symbol visibilities (gABI, "st_other").
    public static final int STV_DEFAULT = 0;
    public static final int STV_INTERNAL = 1;
    public static final int STV_HIDDEN = 2;
    public static final int STV_PROTECTED = 3;

    // Relocation types (psABI, table 4.10). The kernel's module loader knows NONE, 64, PC32, PLT32, 32, 32S, PC64
    // (arch/x86/kernel/module.c, apply_relocate_add).
    public static final int R_X86_64_NONE = 0;
    public static final int R_X86_64_64 = 1;
    public static final int R_X86_64_PC32 = 2;
    public static final int R_X86_64_GOT32 = 3;
    public static final int R_X86_64_PLT32 = 4;
    public static final int R_X86_64_GOTPCREL = 9;
    public static final int R_X86_64_32 = 10;
    public static final int R_X86_64_32S = 11;
    public static final int R_X86_64_16 = 12;
    public static final int R_X86_64_PC16 = 13;
    public static final int R_X86_64_8 = 14;
    public static final int R_X86_64_PC8 = 15;
    public static final int R_X86_64_PC64 = 24;

    /** {@code n_type} of a GNU build-id note. */
    public static final int NT_GNU_BUILD_ID = 3;

    private Elf() {}

    /** The psABI's name of a relocation type, or {@code R_X86_64_<number>} for one not listed here. */
    public static String relocationName(int type) {
        return switch (type) {
            case R_X86_64_NONE -> "R_X86_64_NONE";
            case R_X86_64_64 -> "R_X86_64_64";
            case R_X86_64_PC32 -> "R_X86_64_PC32";
            case R_X86_64_GOT32 -> "R_X86_64_GOT32";
            case R_X86_64_PLT32 -> "R_X86_64_PLT32";
            case R_X86_64_GOTPCREL -> "R_X86_64_GOTPCREL";
            case R_X86_64_32 -> "R_X86_64_32";
            case R_X86_64_32S -> "R_X86_64_32S";
            case R_X86_64_16 -> "R_X86_64_16";
            case R_X86_64_PC16 -> "R_X86_64_PC16";
            case R_X86_64_8 -> "R_X86_64_8";
            case R_X86_64_PC8 -> "R_X86_64_PC8";
            case R_X86_64_PC64 -> "R_X86_64_PC64";
            default -> "R_X86_64_<" + Integer.toUnsignedString(type) + ">";
        };
    }

    /** How many bytes a relocation of this type writes: 0 for {@code NONE} and for a type not listed here. */
    public static int relocationWidth(int type) {
        return switch (type) {
            case R_X86_64_64, R_X86_64_PC64 -> 8;
            case R_X86_64_PC32, R_X86_64_GOT32, R_X86_64_PLT32, R_X86_64_GOTPCREL, R_X86_64_32, R_X86_64_32S -> 4;
            case R_X86_64_16, R_X86_64_PC16 -> 2;
            case R_X86_64_8, R_X86_64_PC8 -> 1;
            default -> 0;
        };
    }
}
