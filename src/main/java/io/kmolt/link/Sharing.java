package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.SectionKind;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Which objects of the new build are one with those in the kernel, and where these are.
 *
 * <p>Variables always are; so are tables that name code or data, which others may hold. Constants are if they are equal.
 * An object that came in with an earlier edition is where that edition put it.
 */
final class Sharing {
    private final Map<Item, Long> addresses = new HashMap<>();
    private final Map<Item, String> origins = new HashMap<>();
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
            // What is empty, as the keys of a lock checker that is off, may be in a section that is not even loaded.
            if (old != null
                    && item.size() > 0
                    && !addresses.containsKey(item)
                    && isShared(layer.comparison(), edition, item, old)) {
                addresses.put(item, layer.address(old));
                origins.put(item, layer.running().name());
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
        int start = 0;
        for (int i = 0; i < content.length; i++) {
            if (content[i] == 0) {
                String text = new String(content, start, i - start, StandardCharsets.ISO_8859_1);
                literals.putIfAbsent(text, base.address(section, start));
                start = i + 1;
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
        Long address = literals.computeIfAbsent(text, this::tail);
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /** Merging keeps a string that is the end of another one only there. */
    private @Nullable Long tail(String text) {
        return literals.entrySet().stream()
                .filter(e -> e.getKey().endsWith(text))
                .map(e -> e.getValue() + e.getKey().length() - text.length())
                .min(Long::compare)
                .orElse(null);
    }

    /** The edition that a shared object came in with; empty if that is the base, or the object is not shared. */
    Optional<String> edition(Item item) {
        return Optional.ofNullable(origins.get(item)).filter(name -> !name.equals(baseName()));
    }

    /** Whether a shared object came in with this edition. */
    boolean uses(String edition) {
        return !edition.equals(baseName()) && origins.containsValue(edition);
    }

    private String baseName() {
        return base.running().name();
    }

    /** All shared objects. */
    List<Item> items() {
        return List.copyOf(addresses.keySet());
    }
}
