package io.kmolt.edition;

import io.kmolt.elf.ElfEditor;
import io.kmolt.link.Descriptor;
import io.kmolt.link.DescriptorWriter;
import java.util.List;

/**
 * Writes {@code struct kmolt_editions} and its arrays, as {@code kernel/kmolt_abi.h} lays them out: the structure, then
 * all functions, then their editions.
 */
final class EditionDescriptor {
    private static final long MAGIC = 0x0a45746c6f6d6bL;
    private static final int STRUCT_SIZE = 160;
    private static final int FUNCTION_SIZE = 240;
    private static final int CODE_SIZE = 16;
    private static final int NAME_LEN = 64;

    /** {@code KMOLT_LABEL_LEN}, with the NUL at its end. */
    static final int LABEL_LEN = 128;

    private final DescriptorWriter out;

    /** Reserves the section, so that other code can refer to it. */
    EditionDescriptor(ElfEditor editor) {
        this.out = new DescriptorWriter(editor, "kmolt_editions", STRUCT_SIZE);
    }

    int symbol() {
        return out.symbol();
    }

    /**
     * Fills the section.
     *
     * @param markers symbol of the array of marker words, one for each function
     */
    void write(String bootId, String name, List<LinkedFunction> functions, int markers) {
        out.u64(MAGIC).u32(Descriptor.ABI).u32(STRUCT_SIZE);
        out.text(bootId, NAME_LEN).text(name, NAME_LEN);
        out.array(STRUCT_SIZE, functions.size());
        int editionsAt = STRUCT_SIZE + functions.size() * FUNCTION_SIZE;
        long marker = 0;
        for (LinkedFunction function : functions) {
            out.u64(function.symbol().address());
            out.u64(function.object().address()).u64(function.object().load());
            out.text(function.label(), LABEL_LEN).text(function.symbol().object(), NAME_LEN);
            out.address(markers, marker);
            out.array(editionsAt, function.editions().size());
            marker += Long.BYTES;
            editionsAt += function.editions().size() * CODE_SIZE;
        }
        for (LinkedFunction function : functions) {
            for (DeclaredEdition edition : function.editions()) {
                out.address(edition.symbol(), 0).u64(edition.number());
            }
        }
        out.finish();
    }
}
