package io.kmolt.elf;

/**
 * One entry of {@code .symtab} (gABI chapter 4, "Symbol Table": {@code Elf64_Sym}).
 *
 * @param index its place in the symbol table; relocations refer to it by this number
 * @param name its name out of {@code .strtab}; empty for section symbols
 * @param binding {@code STB_*}
 * @param type {@code STT_*}
 * @param other the byte {@code st_other}; its two low bits are the visibility
 * @param shndx the section that it lies in, or {@code SHN_UNDEF}, {@code SHN_ABS}, {@code SHN_COMMON} …
 * @param value offset in its section; an absolute symbol's value; a common symbol's alignment
 * @param size in bytes, 0 if unknown
 */
public record ElfSymbol(int index, String name, int binding, int type, int other, int shndx, long value, long size) {

    /** {@code STV_*}. */
    public int visibility() {
        return other & 3;
    }

    public boolean isUndefined() {
        return shndx == Elf.SHN_UNDEF;
    }

    public boolean isAbsolute() {
        return shndx == Elf.SHN_ABS;
    }

    public boolean isCommon() {
        return shndx == Elf.SHN_COMMON;
    }

    /** Lies in a section of this object, whose index is {@link #shndx}. */
    public boolean isDefined() {
        return shndx != Elf.SHN_UNDEF && shndx < Elf.SHN_LORESERVE;
    }

    /** Stands for a section as a whole. */
    public boolean isSection() {
        return type == Elf.STT_SECTION;
    }

    public boolean isFunction() {
        return type == Elf.STT_FUNC;
    }

    public boolean isObject() {
        return type == Elf.STT_OBJECT;
    }

    public boolean isLocal() {
        return binding == Elf.STB_LOCAL;
    }

    public boolean isGlobal() {
        return binding == Elf.STB_GLOBAL;
    }

    public boolean isWeak() {
        return binding == Elf.STB_WEAK;
    }

    public ElfSymbol withName(String newName) {
        return new ElfSymbol(index, newName, binding, type, other, shndx, value, size);
    }

    /** The same symbol, absolute at {@code address}: whatever refers to it will refer to that address. */
    public ElfSymbol absoluteAt(long address) {
        return new ElfSymbol(index, name, binding, type, other, Elf.SHN_ABS, address, size);
    }

    ElfSymbol withIndex(int newIndex) {
        return new ElfSymbol(newIndex, name, binding, type, other, shndx, value, size);
    }
}
