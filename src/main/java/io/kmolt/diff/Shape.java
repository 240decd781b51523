package io.kmolt.diff;

import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
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
 * @param keys static keys of the function's jump labels, by the place of the label
 */
record Shape(byte[] code, List<Reference> references, List<Reference> keys) {

    /** A jump table entry: two 32-bit distances, to the label and to its target, and a 64-bit one to the key. */
    private static final int JUMP_ENTRY_SIZE = 16;

    /** Whether the code is the same, and refers to something at the same places in the same ways. */
    boolean matches(Shape other) {
        return Arrays.equals(code, other.code)
                && samePlaces(references, other.references)
                && samePlaces(keys, other.keys);
    }

    private static boolean samePlaces(List<Reference> a, List<Reference> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (a.get(i).offset() != b.get(i).offset()
                    || a.get(i).use() != b.get(i).use()) {
                return false;
            }
        }
        return true;
    }

    /** The shapes of all functions of a module. */
    static Map<Item, Shape> of(KernelModule module) {
        Map<Item, List<Reference>> keys = keys(module);
        Map<Item, Shape> shapes = new HashMap<>();
        for (Item item : module.items()) {
            if (item.function() && !module.instructions(item).isEmpty()) {
                shapes.put(item, of(module, item, keys.getOrDefault(item, List.of())));
            }
        }
        return shapes;
    }

    private static Shape of(KernelModule module, Item function, List<Reference> keys) {
        byte[] code =
                Arrays.copyOfRange(module.content(function.section()), (int) function.offset(), (int) function.end());
        List<Reference> references = new ArrayList<>();
        for (Reference reference : module.references(function)) {
            int at = (int) (reference.offset() - function.offset());
            Arrays.fill(code, at, Math.min(code.length, at + reference.width()), (byte) 0);
            references.add(at(reference, at));
        }
        LineNumbers.clear(module, function, code);
        return new Shape(code, references, keys);
    }

    private static Reference at(Reference reference, long offset) {
        return new Reference(
                offset,
                reference.width(),
                reference.use(),
                reference.referent(),
                reference.relocation(),
                reference.doubtful());
    }

    private static Map<Item, List<Reference>> keys(KernelModule module) {
        Map<Item, List<Reference>> keys = new HashMap<>();
        for (ElfSection section : module.elf().sections()) {
            if (!section.name().equals("__jump_table")) {
                continue;
            }
            Map<Long, Reference> byOffset = new HashMap<>();
            module.references(section.index()).forEach(r -> byOffset.put(r.offset(), r));
            for (long entry = 0; entry + JUMP_ENTRY_SIZE <= section.size(); entry += JUMP_ENTRY_SIZE) {
                Reference label = byOffset.get(entry);
                Reference key = byOffset.get(entry + 8);
                if (label != null && key != null && label.referent() instanceof Referent.InItem in) {
                    keys.computeIfAbsent(in.item(), i -> new ArrayList<>()).add(at(key, in.delta()));
                }
            }
        }
        keys.values().forEach(list -> list.sort(java.util.Comparator.comparingLong(Reference::offset)));
        return keys;
    }
}
