package io.kmolt.link;

import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The code of a base and of an update that is linked on it, as they lie in memory.
 *
 * @param parts in no order
 */
record LoadedCode(List<Part> parts) {
    /** A section. */
    record Part(long start, byte[] content) {}

    static LoadedCode of(LinkedUpdate linked) {
        List<Part> parts = new ArrayList<>(parts(linked.elf(), linked.sections()));
        parts.addAll(parts(linked.base().elf(), baseSections(linked)));
        return new LoadedCode(List.copyOf(parts));
    }

    /** Where the sections of the base are. */
    static Map<Integer, Long> baseSections(LinkedUpdate linked) {
        Map<Integer, Long> sections = new HashMap<>();
        for (ElfSection section : linked.base().elf().sections()) {
            Long start = linked.running().sections().get(section.name());
            if (section.isAlloc() && start != null) {
                sections.put(section.index(), start);
            }
        }
        return sections;
    }

    private static List<Part> parts(ElfObject elf, Map<Integer, Long> sections) {
        List<Part> parts = new ArrayList<>();
        for (ElfSection section : elf.sections()) {
            Long start = sections.get(section.index());
            if (section.isExec() && start != null) {
                parts.add(new Part(start, elf.content(section)));
            }
        }
        return parts;
    }

    /** Some bytes of it, before relocation; empty if not all of them are in one section. */
    Optional<byte[]> at(long address, int length) {
        for (Part part : parts) {
            long offset = address - part.start();
            if (offset >= 0 && offset + length <= part.content().length) {
                return Optional.of(Arrays.copyOfRange(part.content(), (int) offset, (int) offset + length));
            }
        }
        return Optional.empty();
    }
}
