package io.kmolt.route;

/**
 * A 32-bit field that is to become the distance from itself to something, as R_X86_64_PC32 and R_X86_64_PLT32 say it:
 * target + addend - address of the field (System V psABI for x86-64, section 4.4).
 *
 * @param offset where the field is; until then it is 0
 */
public record CodeReference(int offset, int addend, CodeTarget target) {
    CodeReference moved(int by) {
        return new CodeReference(offset + by, addend, target);
    }
}
