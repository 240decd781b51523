package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Function;

/** What a function or object is made of, as a text that is equal for equal ones. */
final class Makeup {
    private Makeup() {}

    /**
     * Bytes, and what is referred to.
     *
     * @param nameOf how to call a function or object that is referred to
     */
    static String of(KernelModule module, Item item, KernelTies ties, Function<Item, String> nameOf) {
        byte[] bytes = ties.untied(module, item);
        StringBuilder references = new StringBuilder();
        for (Reference reference : module.references(item)) {
            int at = (int) (reference.offset() - item.offset());
            Arrays.fill(bytes, at, Math.min(bytes.length, at + reference.width()), (byte) 0);
            references
                    .append('\n')
                    .append(at)
                    .append(' ')
                    .append(reference.use())
                    .append(' ');
            references.append(text(module, reference, ties, nameOf));
        }
        return new String(bytes, StandardCharsets.ISO_8859_1) + references;
    }

    private static String text(
            KernelModule module, Reference reference, KernelTies ties, Function<Item, String> nameOf) {
        return switch (reference.referent()) {
            case Referent.Import(String name) -> name;
            case Referent.Literal literal -> '"' + ties.text(module, literal.text()) + '"';
            case Referent.InItem(Item other, long delta) -> nameOf.apply(other) + " + " + delta;
            case Referent.Absolute absolute -> absolute.toString();
            case Referent.Anonymous place ->
                module.elf().sections().get(place.section()).name() + " + " + place.offset();
        };
    }
}
