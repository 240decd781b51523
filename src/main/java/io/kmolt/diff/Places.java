package io.kmolt.diff;

import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.x86.DecodeException;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a module's sections that no symbol names.
 *
 * <p>Between two functions or objects there is padding (nops of any shape, {@code int3}, zeros), and where the compiler
 * has written something without a name (the constants of an initializer, a jump table of a {@code switch}, code of an
 * {@code asm} statement) there is that. How much of it a reference means nothing says; it is taken to mean all up to the next
 * place that somebody refers to.
 */
final class Places {
    private static final byte INT3 = (byte) 0xcc;

    private final KernelModule module;
    private final KernelTies ties;
    private final Map<Integer, byte[]> cleared = new HashMap<>();
    private @Nullable Map<Integer, NavigableSet<Long>> referredTo;

    /**
     * A part between two named ones, without the padding at its end.
     *
     * @param section index of the section
     * @param start where it begins
     * @param size how long it is, at least 1
     */
    record Gap(int section, long start, long size) {}

    Places(KernelModule module, KernelTies ties) {
        this.ties = ties;
        this.module = module;
    }

    /** A piece of a section, with zeros where relocations write. */
    byte[] bytes(int section, long place, long size) {
        byte[] content = cleared.computeIfAbsent(section, s -> {
            byte[] copy = ties.untied(module, s, module.content(s).clone());
            module.references(s).forEach(r -> CodeNotes.clear(copy, r));
            return copy;
        });
        return Arrays.copyOfRange(content, (int) place, (int) (place + size));
    }

    /** What a piece of a section refers to; offsets count from its beginning. */
    List<Reference> references(int section, long place, long size) {
        return module.references(section, place, place + size).stream()
                .map(r -> Shape.at(r, r.offset() - place))
                .toList();
    }

    /** How long the piece is that begins at a place which no symbol names; 0 if there is only padding, or nothing. */
    long size(int section, long place) {
        long end = module.elf().sections().get(section).size();
        if (place < 0 || place >= end) {
            return 0;
        }
        Item next = module.after(section, place);
        end = next == null ? end : Math.min(end, next.offset());
        Long referred = referredTo().getOrDefault(section, new TreeSet<>()).higher(place);
        end = referred == null ? end : Math.min(end, referred);
        return withoutPadding(section, place, end);
    }

    /** All that stands between what has names. */
    List<Gap> gaps(ElfSection section) {
        List<Gap> gaps = new ArrayList<>();
        long end = 0;
        for (Item item : module.in(section.index())) {
            addGap(section.index(), end, item.offset(), gaps);
            end = Math.max(end, item.end());
        }
        addGap(section.index(), end, section.size(), gaps);
        return gaps;
    }

    private void addGap(int section, long start, long end, List<Gap> gaps) {
        for (long from = start; from < end; ) {
            Long referred = referredTo().getOrDefault(section, new TreeSet<>()).higher(from);
            long to = referred == null ? end : Math.min(end, referred);
            long size = withoutPadding(section, from, to);
            if (size > 0) {
                gaps.add(new Gap(section, from, size));
            }
            from = to;
        }
    }

    private long withoutPadding(int section, long start, long end) {
        byte[] bytes = bytes(section, start, end - start);
        List<Reference> references = module.references(section, start, end);
        int written = references.isEmpty()
                ? 0
                : (int) (references.getLast().offset()
                        - start
                        + references.getLast().width());
        int last = Math.min(bytes.length, written);
        if (module.elf().sections().get(section).isExec()) {
            return endOfCode(bytes, last);
        }
        for (int i = bytes.length; i > last; i--) {
            if (bytes[i - 1] != 0) {
                return i;
            }
        }
        return last;
    }

    /** Where the last instruction ends that does something. */
    private static int endOfCode(byte[] bytes, int least) {
        int end = least;
        for (int at = 0; at < bytes.length; ) {
            if (bytes[at] == 0 || bytes[at] == INT3) {
                at++;
                continue;
            }
            int next = afterNop(bytes, at);
            if (next < 0) {
                at++;
                end = Math.max(end, at);
            } else {
                at = next;
            }
        }
        return end;
    }

    private static int afterNop(byte[] bytes, int at) {
        try {
            Instruction found = Decoder.shared().decode(bytes, at, bytes.length);
            return found.mnemonic().equals("nop") ? found.end() : -1;
        } catch (DecodeException e) {
            return -1;
        }
    }

    private Map<Integer, NavigableSet<Long>> referredTo() {
        if (referredTo == null) {
            Map<Integer, NavigableSet<Long>> places = new HashMap<>();
            for (ElfSection section : module.elf().sections()) {
                if (section.isAlloc()) {
                    module.references(section.index()).forEach(r -> add(r.referent(), places));
                }
            }
            referredTo = places;
        }
        return referredTo;
    }

    private static void add(Referent referent, Map<Integer, NavigableSet<Long>> places) {
        switch (referent) {
            case Referent.Anonymous place ->
                places.computeIfAbsent(place.section(), s -> new TreeSet<>()).add(place.offset());
            case Referent.InItem(Item item, long delta)
            when delta < 0 || delta >= item.size() ->
                places.computeIfAbsent(item.section(), s -> new TreeSet<>()).add(item.offset() + delta);
            default -> {}
        }
    }
}
