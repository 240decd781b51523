package io.kmolt.elf;

/**
 * One section header (gABI chapter 4, "Section Header": {@code Elf64_Shdr}).
 *
 * @param index its place in the section header table; other sections and symbols refer to it by this number
 * @param name its name out of {@code .shstrtab}; names need not be unique
 * @param type {@code SHT_*}
 * @param flags {@code SHF_*}, ORed
 * @param addr 0 in a relocatable object
 * @param offset where its contents begin in the file, in bytes
 * @param size in bytes, in memory; a {@code SHT_NOBITS} section takes none in the file
 * @param link a section index whose meaning depends on the type
 * @param info extra information whose meaning depends on the type
 * @param addralign 0, 1 or a power of two
 * @param entsize size of one entry of a table, else 0
 */
public record ElfSection(
        int index,
        String name,
        int type,
        long flags,
        long addr,
        long offset,
        long size,
        int link,
        int info,
        long addralign,
        long entsize) {

    /** Takes memory when the object is loaded. */
    public boolean isAlloc() {
        return (flags & Elf.SHF_ALLOC) != 0;
    }

    public boolean isExec() {
        return (flags & Elf.SHF_EXECINSTR) != 0;
    }

    public boolean isWritable() {
        return (flags & Elf.SHF_WRITE) != 0;
    }

    /** Zero-filled in memory, without contents in the file. */
    public boolean isNobits() {
        return type == Elf.SHT_NOBITS;
    }

    public boolean isMergeable() {
        return (flags & Elf.SHF_MERGE) != 0;
    }

    /** Consists of NUL-terminated strings. */
    public boolean isStrings() {
        return (flags & Elf.SHF_STRINGS) != 0;
    }

    public boolean isRela() {
        return type == Elf.SHT_RELA;
    }

    /** Has bytes in the file. */
    public boolean hasContent() {
        return type != Elf.SHT_NULL && type != Elf.SHT_NOBITS;
    }

    ElfSection withName(String newName) {
        return new ElfSection(index, newName, type, flags, addr, offset, size, link, info, addralign, entsize);
    }

    ElfSection withType(int newType) {
        return new ElfSection(index, name, newType, flags, addr, offset, size, link, info, addralign, entsize);
    }

    ElfSection withFlags(long newFlags) {
        return new ElfSection(index, name, type, newFlags, addr, offset, size, link, info, addralign, entsize);
    }

    ElfSection withSize(long newSize) {
        return new ElfSection(index, name, type, flags, addr, offset, newSize, link, info, addralign, entsize);
    }

    ElfSection withOffset(long newOffset) {
        return new ElfSection(index, name, type, flags, addr, newOffset, size, link, info, addralign, entsize);
    }

    ElfSection withInfo(int newInfo) {
        return new ElfSection(index, name, type, flags, addr, offset, size, link, newInfo, addralign, entsize);
    }

    ElfSection withEntsize(long newEntsize) {
        return new ElfSection(index, name, type, flags, addr, offset, size, link, info, addralign, newEntsize);
    }
}
