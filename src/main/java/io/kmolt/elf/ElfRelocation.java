package io.kmolt.elf;

/**
 * One entry of a {@code SHT_RELA} section (gABI chapter 4, "Relocation": {@code Elf64_Rela}).
 *
 * @param offset where in the section that it applies to, in bytes
 * @param type {@code R_X86_64_*}
 * @param symbol index in {@code .symtab}; 0 is the undefined symbol of value 0
 * @param addend what is added to the symbol's value
 */
public record ElfRelocation(long offset, int type, int symbol, long addend) {

    /** How many bytes it writes: 0 for {@code R_X86_64_NONE} and for types that kmolt does not know. */
    public int width() {
        return Elf.relocationWidth(type);
    }

    /** Whether the value written is the distance from the place where it is written. */
    public boolean isPcRelative() {
        return switch (type) {
            case Elf.R_X86_64_PC8,
                    Elf.R_X86_64_PC16,
                    Elf.R_X86_64_PC32,
                    Elf.R_X86_64_PLT32,
                    Elf.R_X86_64_PC64,
                    Elf.R_X86_64_GOTPCREL -> true;
            default -> false;
        };
    }

    public String typeName() {
        return Elf.relocationName(type);
    }

    public ElfRelocation withSymbol(int newSymbol, long newAddend) {
        return new ElfRelocation(offset, type, newSymbol, newAddend);
    }
}
