package io.kmolt.diff;

import io.kmolt.elf.ElfSection;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tables that the compiler and objtool write about a module's code, taken apart: each entry goes to the place in code
 * that it is about.
 *
 * <p>The first relocation of an entry says what it is about. The order of a table does not count, except among entries about
 * one place (alternatives are applied one after the other). What an entry of {@code .altinstructions} replaces the code
 * by is part of the entry. Line numbers do not count, nor do the folders of a source file's name: nobody but the reader
 * of a warning sees them.
 *
 * <p>{@code .orc_unwind} is different: an entry holds from its place up to the next one, and objtool leaves out what
 * repeats the entry before, across functions. So for each function it is worked out what holds at its beginning.
 *
 * <p>Layouts: {@code arch/x86/include/asm/{extable,alternative,bug,jump_label,orc_types,paravirt_types}.h}, {@code
 * include/linux/static_call_types.h} of Linux 6.1 and 6.12.
 */
final class CodeNotes {
    private static final String ALTERNATIVES = ".altinstructions";
    private static final String BUGS = "__bug_table";
    private static final String ORC = ".orc_unwind";
    private static final String ORC_PLACES = ".orc_unwind_ip";
    private static final int ORC_PLACE_SIZE = 4;

    /** Where {@code struct bug_entry} has its line, two bytes, and the name of its file. */
    private static final int BUG_LINE = 8;

    private static final int BUG_FILE = 4;

    /** The size of an entry of each table; that of an alternative differs between kernels. */
    private static final Map<String, Integer> SIZES = Map.ofEntries(
            Map.entry("__ex_table", 12),
            Map.entry(ALTERNATIVES, 0),
            Map.entry(".parainstructions", 16),
            Map.entry(".smp_locks", 4),
            Map.entry(".retpoline_sites", 4),
            Map.entry(".return_sites", 4),
            Map.entry(".call_sites", 4),
            Map.entry(".ibt_endbr_seal", 4),
            Map.entry(".cfi_sites", 4),
            Map.entry(BUGS, 12),
            Map.entry("__jump_table", 16),
            Map.entry(".static_call_sites", 8),
            Map.entry("__mcount_loc", 8),
            Map.entry("__patchable_function_entries", 8));

    private final KernelModule module;
    private final Map<Integer, List<CodeNote>> bySection = new HashMap<>();
    private final Map<Integer, List<Unwinding>> unwinding = new HashMap<>();
    private final List<CodeNote> loose = new ArrayList<>();

    private record Unwinding(long place, byte[] entry) {}

    private record Spot(int section, long place) {}

    CodeNotes(KernelModule module) {
        this.module = module;
        List<ElfSection> tables = module.elf().sections().stream()
                .filter(s -> isTable(s) && s.isAlloc())
                .toList();
        // Alternatives come last, as there may be notes about their replacements.
        tables.stream().filter(t -> !t.name().equals(ALTERNATIVES)).forEach(this::take);
        sort();
        tables.stream().filter(t -> t.name().equals(ALTERNATIVES)).forEach(this::take);
        sort();
        takeUnwinding();
    }

    /** Whether entries of a section are about places in code. */
    static boolean isTable(ElfSection section) {
        return SIZES.containsKey(section.name());
    }

    /** Whether a section is part of what {@link #at} tells. */
    static boolean isTaken(ElfSection section) {
        return isTable(section) || section.name().equals(ORC) || section.name().equals(ORC_PLACES);
    }

    private void sort() {
        bySection
                .values()
                .forEach(notes -> notes.sort(Comparator.comparingLong(CodeNote::place)
                        .thenComparing(
                                CodeNote::table))); // stable: entries of one table about one place keep their order
    }

    private void take(ElfSection table) {
        List<Reference> references = module.references(table.index());
        byte[] content = module.content(table.index());
        int size = size(table, references.size());
        int next = 0;
        for (int start = 0; start + size <= content.length; start += size) {
            List<Reference> inside = new ArrayList<>();
            for (; next < references.size() && references.get(next).offset() < start + size; next++) {
                inside.add(Shape.at(references.get(next), references.get(next).offset() - start));
            }
            take(table, Arrays.copyOfRange(content, start, start + size), inside);
        }
    }

    private static int size(ElfSection table, int references) {
        int size = SIZES.getOrDefault(table.name(), 0);
        if (size == 0) {
            int entries = Math.max(1, references / 2);
            size = (int) table.size() % entries == 0 ? (int) table.size() / entries : (int) table.size();
        }
        return Math.max(1, size);
    }

    private void take(ElfSection table, byte[] entry, List<Reference> references) {
        references.forEach(r -> clear(entry, r));
        Optional<Reference> about =
                references.stream().filter(r -> r.offset() == 0).findFirst();
        Optional<Spot> spot = about.flatMap(r -> spot(r.referent()));
        if (about.isEmpty() || spot.isEmpty()) {
            loose.add(new CodeNote(0, table.name(), entry, references));
            return;
        }
        List<Reference> others =
                new ArrayList<>(references.stream().filter(r -> r.offset() != 0).toList());
        byte[] content = switch (table.name()) {
            case BUGS -> withoutLine(entry, others);
            case ALTERNATIVES -> withReplacement(entry, others);
            default -> entry;
        };
        bySection
                .computeIfAbsent(spot.get().section(), s -> new ArrayList<>())
                .add(new CodeNote(spot.get().place(), table.name(), joined(content, form(about.get())), others));
    }

    /** In which way an entry refers to what has been taken out of it. */
    private static byte[] form(Reference reference) {
        return new byte[] {(byte) Shape.form(reference), (byte) reference.width()};
    }

    private Optional<Spot> spot(Referent referent) {
        return switch (referent) {
            case Referent.InItem in
            when module.elf().sections().get(in.item().section()).isExec() ->
                Optional.of(new Spot(in.item().section(), in.item().offset() + in.delta()));
            case Referent.Anonymous place
            when module.elf().sections().get(place.section()).isExec() ->
                Optional.of(new Spot(place.section(), place.offset()));
            default -> Optional.empty();
        };
    }

    static void clear(byte[] content, Reference reference) {
        int from = (int) reference.offset();
        Arrays.fill(content, from, Math.min(content.length, from + reference.width()), (byte) 0);
    }

    private static byte[] withoutLine(byte[] entry, List<Reference> others) {
        Arrays.fill(entry, BUG_LINE, BUG_LINE + 2, (byte) 0);
        byte[] file = new byte[0];
        for (Reference reference : List.copyOf(others)) {
            if (reference.offset() == BUG_FILE && reference.referent() instanceof Referent.Literal name) {
                file = joined(Literals.meaning(name.text()).getBytes(StandardCharsets.ISO_8859_1), form(reference));
                others.remove(reference);
            }
        }
        return joined(entry, file);
    }

    /** Appends the code that the loader writes over the instruction, and what tables say about that code. */
    private byte[] withReplacement(byte[] entry, List<Reference> others) {
        int length = entry[entry.length - 1] & 0xff;
        Referent replacement = others.isEmpty() ? null : others.getFirst().referent();
        if (others.size() != 1
                || !(replacement instanceof Referent.Anonymous place)
                || place.kind() != SectionKind.METADATA
                || place.offset() < 0
                || place.offset() + length > module.content(place.section()).length) {
            return entry;
        }
        byte[] form = length == 0 ? new byte[0] : form(others.getFirst());
        others.clear();
        long start = place.offset();
        byte[] code = Arrays.copyOfRange(module.content(place.section()), (int) start, (int) start + length);
        for (Reference reference : module.references(place.section())) {
            if (reference.offset() >= start && reference.offset() < start + length) {
                Reference inside = Shape.at(reference, reference.offset() - start);
                clear(code, inside);
                others.add(Shape.at(inside, entry.length + form.length + inside.offset()));
            }
        }
        StringBuilder notes = new StringBuilder();
        between(place.section(), start, start + length).forEach(n -> {
            notes.append(n.table()).append('+').append(n.place());
            n.references().forEach(r -> others.add(Shape.at(r, entry.length + form.length + n.place())));
        });
        return joined(joined(joined(entry, form), code), notes.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] joined(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private void takeUnwinding() {
        ElfSection places = module.elf().section(ORC_PLACES).orElse(null);
        ElfSection entries = module.elf().section(ORC).orElse(null);
        if (places == null || entries == null || places.size() < ORC_PLACE_SIZE) {
            return;
        }
        byte[] content = module.content(entries.index());
        int size = (int) (entries.size() / (places.size() / ORC_PLACE_SIZE));
        for (Reference reference : module.references(places.index())) {
            int at = (int) (reference.offset() / ORC_PLACE_SIZE) * size;
            if (at + size <= content.length) {
                spot(reference.referent())
                        .ifPresent(spot -> unwinding
                                .computeIfAbsent(spot.section(), s -> new ArrayList<>())
                                .add(new Unwinding(
                                        spot.place(),
                                        joined(Arrays.copyOfRange(content, at, at + size), form(reference)))));
            }
        }
        unwinding.values().forEach(list -> list.sort(Comparator.comparingLong(Unwinding::place)));
    }

    /** What the tables say about code between two places; places count from the first one. */
    List<CodeNote> at(int section, long from, long to) {
        List<CodeNote> notes = new ArrayList<>(between(section, from, to));
        notes.add(new CodeNote(0, ORC, unwinding(section, from, to), List.of()));
        return notes;
    }

    /** The same without how to unwind it. */
    List<CodeNote> between(int section, long from, long to) {
        List<CodeNote> all = bySection.getOrDefault(section, List.of());
        List<CodeNote> found = new ArrayList<>();
        for (int i = indexFrom(all, from); i < all.size() && all.get(i).place() < to; i++) {
            found.add(all.get(i).from(from));
        }
        return found;
    }

    private static int indexFrom(List<CodeNote> all, long place) {
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).place() < place) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private byte[] unwinding(int section, long from, long to) {
        List<Unwinding> all = unwinding.getOrDefault(section, List.of());
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).place() <= from) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        StringBuilder text = new StringBuilder();
        byte[] before = {};
        for (int i = Math.max(0, low - 1); i < all.size() && all.get(i).place() < to; i++) {
            if (!Arrays.equals(before, all.get(i).entry())) {
                before = all.get(i).entry();
                text.append(Math.max(0, all.get(i).place() - from))
                        .append(new String(before, StandardCharsets.ISO_8859_1));
            }
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Entries of which it is not known what they are about. */
    List<CodeNote> loose() {
        return loose;
    }
}
