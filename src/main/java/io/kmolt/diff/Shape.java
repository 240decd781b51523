package io.kmolt.diff;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A function's code apart from what it refers to: two builds of one function differ in their shapes, or in the
 * referents of references that stand at the same places.
 *
 * @param code the function's bytes, with every field that refers to something outside set to zero, and line numbers
 * @param references what these fields refer to; offsets count from the function's beginning
 * @param notes what tables say about the function's code
 */
record Shape(byte[] code, List<Reference> references, List<CodeNote> notes) {

    /** Whether the code is the same, and refers to something at the same places in the same ways. */
    boolean matches(Shape other) {
        return Arrays.equals(code, other.code) && samePlaces(references, other.references);
    }

    /** Whether the tables say the same about it, apart from what their references mean. */
    boolean sameNotes(Shape other) {
        return sameNotes(notes, other.notes);
    }

    static boolean sameNotes(List<CodeNote> a, List<CodeNote> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!a.get(i).matches(b.get(i))) {
                return false;
            }
        }
        return true;
    }

    static boolean samePlaces(List<Reference> a, List<Reference> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            Reference x = a.get(i);
            Reference y = b.get(i);
            if (x.offset() != y.offset() || x.use() != y.use() || !sameForm(x, y)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether the loader computes what it writes in the same way. A distance that the assembler has resolved, and one to
     * a procedure linkage table, are distances like any other: the kernel has no such table.
     */
    static boolean sameForm(Reference a, Reference b) {
        return a.width() == b.width() && form(a) == form(b);
    }

    /** The type of relocation that it is as good as. */
    static int form(Reference reference) {
        ElfRelocation relocation = reference.relocation();
        if (relocation == null || relocation.type() == Elf.R_X86_64_PLT32) {
            return Elf.R_X86_64_PC32;
        }
        return switch (relocation.type()) {
            case Elf.R_X86_64_PC8, Elf.R_X86_64_PC16 -> Elf.R_X86_64_PC32; // told apart by their widths
            default -> relocation.type();
        };
    }

    Shape withCode(byte[] otherCode) {
        return new Shape(otherCode, references, notes);
    }

    /** The shapes of all functions of a module. */
    static Map<Item, Shape> of(KernelModule module, CodeNotes notes, LineNumbers lines) {
        Map<Item, Shape> shapes = new HashMap<>();
        for (Item item : module.items()) {
            if (item.function() && !module.instructions(item).isEmpty()) {
                shapes.put(item, of(module, item, notes, lines));
            }
        }
        return shapes;
    }

    private static Shape of(KernelModule module, Item function, CodeNotes notes, LineNumbers lines) {
        byte[] code =
                Arrays.copyOfRange(module.content(function.section()), (int) function.offset(), (int) function.end());
        List<Reference> references = new ArrayList<>();
        for (Reference reference : module.references(function)) {
            Reference inside = at(reference, reference.offset() - function.offset());
            CodeNotes.clear(code, inside);
            references.add(inside);
        }
        lines.clear(module, function, code);
        return new Shape(code, references, notes.at(function.section(), function.offset(), function.end()));
    }

    static Reference at(Reference reference, long offset) {
        return new Reference(
                offset,
                reference.width(),
                reference.use(),
                reference.referent(),
                reference.relocation(),
                reference.doubtful());
    }
}
