package io.kmolt.dwarf;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which line of its source each instruction of an object comes from.
 *
 * <p>Algorithm: the line number programs of {@code .debug_line} are run ({@link LineProgram}), each row being noted with the
 * section and the place that the relocation of its {@code DW_LNE_set_address} names. Of several rows for one place, the last
 * one counts.
 *
 * <p>Bound: each byte of the section is read once, and makes one row at most. Fallback: a program that does not read as
 * DWARF 2 to 5 in an object ends the reading, and what was noted before it counts; without debugging information no line is
 * known. Limits: which file a line is of is not told.
 */
public final class LineTable {
    private static final String SECTION = ".debug_line";
    /** Ends a range of places whose lines are known. */
    private static final int NONE = 0;

    private final Map<Integer, NavigableMap<Long, Integer>> rows = new HashMap<>();

    private LineTable() {}

    /** Reads an object's table; an empty one if it has no debugging information. */
    public static LineTable of(ElfObject elf) {
        LineTable table = new LineTable();
        Optional<ElfSection> section = elf.section(SECTION);
        if (section.isPresent() && (section.get().flags() & Elf.SHF_COMPRESSED) == 0) {
            Map<Long, ElfRelocation> addresses = new HashMap<>();
            elf.relocations(section.get().index()).forEach(r -> addresses.put(r.offset(), r));
            new LineProgram(
                            elf.content(section.get()),
                            at -> Optional.ofNullable(addresses.get((long) at)).map(r -> place(elf, r)),
                            table::note)
                    .runAll();
        }
        return table;
    }

    private static Place place(ElfObject elf, ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        return new Place(symbol.shndx(), symbol.value() + relocation.addend());
    }

    private void note(Place place, int line, boolean end) {
        NavigableMap<Long, Integer> section = rows.computeIfAbsent(place.section(), _ -> new TreeMap<>());
        if (end) {
            section.putIfAbsent(place.offset(), NONE); // another range may begin there
        } else {
            section.put(place.offset(), Math.max(line, NONE)); // DWARF has 0 for code of no line, too
        }
    }

    /** The line of the instruction at a place; empty if it is not known. */
    public OptionalInt line(int section, long offset) {
        NavigableMap<Long, Integer> places = rows.get(section);
        Map.Entry<Long, Integer> row = places == null ? null : places.floorEntry(offset);
        return row == null || row.getValue() == NONE ? OptionalInt.empty() : OptionalInt.of(row.getValue());
    }

    /** The lines of a range of a section, by where the first instruction of each is. */
    public SortedMap<Long, Integer> rows(int section, long from, long end) {
        NavigableMap<Long, Integer> places = rows.get(section);
        SortedMap<Long, Integer> known = new TreeMap<>(places == null ? Map.of() : places.subMap(from, end));
        known.values().removeIf(line -> line == NONE);
        return known;
    }

    /** A place in a section. */
    record Place(int section, long offset) {
        Place advanced(long bytes) {
            return new Place(section, offset + bytes);
        }
    }
}
