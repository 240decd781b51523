package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Which objects of the new build are one with those in the kernel, and where these are.
 *
 * <p>Variables always are; so are tables that name code or data, which others may hold. Constants are if they are equal.
 * An object that came in with an earlier edition is where that edition put it.
 */
final class Sharing {
    private final Map<Item, Long> addresses = new HashMap<>();
    private final Map<String, Long> literals = new HashMap<>();
    private final Layer base;

    Sharing(LinkInput input) {
        this.base = input.base();
        for (Layer layer : input.layers()) {
            share(input.edition(), layer);
        }
        for (var section : base.comparison().oldModule().elf().sections()) {
            if (base.comparison().oldModule().kind(section.index()) == SectionKind.STRINGS) {
                addLiterals(section.index());
            }
        }
    }

    private void share(KernelModule edition, Layer layer) {
        for (Item item : edition.items()) {
            Item old = layer.comparison().correlation().oldOf(item);
            if (old != null && !addresses.containsKey(item) && isShared(layer.comparison(), edition, item, old)) {
                addresses.put(item, layer.address(old));
            }
        }
    }

    private static boolean isShared(Comparison comparison, KernelModule edition, Item item, Item old) {
        return switch (item.kind()) {
            case STATE, PERCPU, TRACE, STATIC_CALL_TEXT, THIS_MODULE -> true;
            case DEFINITION ->
                item.size() == old.size()
                        && (!edition.references(item).isEmpty()
                                || comparison.objects().get(old) == Change.SAME);
            default -> false;
        };
    }

    private void addLiterals(int section) {
        byte[] content = base.comparison().oldModule().content(section);
        int end = content.length;
        StringBuilder text = new StringBuilder();
        // From the back, so that every tail of a string is known as well: merging makes use of them.
        for (int i = end - 1; i >= 0; i--) {
            if (content[i] == 0) {
                text.setLength(0);
            } else {
                text.append((char) (content[i] & 0xff));
            }
            if (i == 0 || content[i - 1] == 0) {
                literals.putIfAbsent(text.reverse().toString(), base.address(section, i));
                text.setLength(0);
            }
        }
    }

    /** Where a shared object is; empty if the new build has its own. */
    OptionalLong address(Item item) {
        Long address = addresses.get(item);
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /** Where the base has the same string; empty if it has not. */
    OptionalLong literal(String text) {
        Long address = literals.get(text);
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /** All shared objects. */
    List<Item> items() {
        return List.copyOf(addresses.keySet());
    }
}
