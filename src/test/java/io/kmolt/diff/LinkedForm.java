package io.kmolt.diff;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.x86.DecodeException;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What of a module's file is left once it is loaded: the bytes of all sections that take memory, with relocations resolved to
 * what they mean. Two files with the same linked form behave in the same way. It is worked out from the ELF file alone,
 * without what is under test, for files in which everything is at the same place.
 *
 * <p>What does not count, by rule:
 *
 * <ul>
 *   <li>the line of a {@code __bug_table} or {@code __dyndbg} entry; the folders, and the line, in a literal that is
 *       nothing but the name of a source file with or without a line, or has this behind {@code field "…" at};
 *   <li>whether a distance within a section is in the bytes already or a relocation makes it;
 *   <li>bytes that belong to no function or object, to which nothing refers, and which no relocation fills: padding;
 *   <li>in mergeable sections, what nothing refers to: literals and constants count where they are used;
 *   <li>notes, which tell builds apart; of {@code .modinfo} the same ({@code srcversion}, {@code vermagic}, {@code
 *       intree}), and its order;
 *   <li>of {@code __versions} what the module does not import, what is behind a name's NUL, and the order.
 *   <li>how padding would be unwound;
 *   <li>the replacement of an alternative that is 0 bytes long.
 * </ul>
 */
final class LinkedForm {
    private static final Set<String> OF_THE_BUILD = Set.of("srcversion", "vermagic", "intree");
    private static final Pattern SOURCE_PLACE =
            Pattern.compile("(?<field>(?:field \".*\" at )?)(?<file>[\\w.+/-]+\\.[ch])(?<line>(?::\\d+)?)");
    private static final int VERSION = 64;
    private static final int BUG = 12;
    private static final int DEBUG_PRINT = 56;

    private final ElfObject elf;
    private final Map<Integer, BitSet> padding;
    private final Map<Integer, NavigableMap<Integer, Instruction>> decoded = new HashMap<>();

    private LinkedForm(ElfObject elf, Map<Integer, BitSet> padding) {
        this.elf = elf;
        this.padding = padding;
    }

    /** The form of a file, by section. */
    static Map<String, String> of(ElfObject elf, Map<Integer, BitSet> padding) {
        LinkedForm form = new LinkedForm(elf, padding);
        Map<String, String> parts = new TreeMap<>();
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc() && !section.name().startsWith(".note")) {
                String head = "%d %s".formatted(section.index(), section.name());
                parts.put(head + " header", section.type() + " " + section.flags());
                if (!isMerged(section)) {
                    parts.put(head, form.part(section));
                }
            }
        }
        return parts;
    }

    private static boolean isMerged(ElfSection section) {
        return section.isMergeable() && section.entsize() > 0;
    }

    private String part(ElfSection section) {
        return switch (section.name()) {
            case ".modinfo" ->
                elf.modinfo().stream()
                        .filter(e -> !OF_THE_BUILD.contains(e.getKey()))
                        .map(Object::toString)
                        .sorted()
                        .toList()
                        .toString();
            case "__versions" -> versions(section);
            case ".orc_unwind" -> "";
            case ".orc_unwind_ip" -> unwinding(section);
            default -> contents(section);
        };
    }

    /** How each function is unwound: an entry holds from its place up to the next one. */
    private String unwinding(ElfSection section) {
        ElfSection entries = elf.section(".orc_unwind").orElseThrow();
        int size = (int) (entries.size() / (section.size() / 4));
        byte[] bytes = elf.content(entries);
        Map<Integer, TreeMap<Long, String>> places = new HashMap<>();
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            ElfSymbol symbol = elf.symbols().get(relocation.symbol());
            int at = (int) relocation.offset() / 4 * size;
            if (symbol.isDefined() && at + size <= bytes.length) {
                places.computeIfAbsent(symbol.shndx(), s -> new TreeMap<>())
                        .put(
                                symbol.value() + relocation.addend(),
                                form(relocation) + " " + HexFormat.of().formatHex(bytes, at, at + size));
            }
        }
        Set<String> lines = new TreeSet<>();
        for (ElfSymbol symbol : elf.symbols()) {
            TreeMap<Long, String> there = places.getOrDefault(symbol.shndx(), new TreeMap<>());
            if (symbol.isFunction() && symbol.isDefined() && symbol.size() > 0) {
                String before = "";
                for (long place = symbol.value(); place < symbol.value() + symbol.size(); place++) {
                    var entry = there.floorEntry(place);
                    String now = entry == null ? "" : entry.getValue();
                    if (!now.equals(before)) {
                        lines.add("%d %08x %s %s".formatted(symbol.shndx(), place, symbol.name(), now));
                        before = now;
                    }
                }
            }
        }
        return String.join("\n", lines);
    }

    private String versions(ElfSection section) {
        Set<String> imports = new HashSet<>(Set.of("module_layout"));
        elf.symbols().stream().filter(ElfSymbol::isUndefined).forEach(s -> imports.add(s.name()));
        byte[] bytes = elf.content(section);
        Map<String, Long> crcs = new TreeMap<>();
        for (int at = 0; at + VERSION <= bytes.length; at += VERSION) {
            String name = text(bytes, at + 8);
            if (imports.contains(name)) {
                crcs.put(
                        name,
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(at));
            }
        }
        return crcs.toString();
    }

    private String contents(ElfSection section) {
        byte[] bytes = section.isNobits() ? new byte[(int) section.size()] : elf.content(section);
        BitSet skipped = padding.getOrDefault(section.index(), new BitSet());
        skipped.stream().filter(i -> i < bytes.length).forEach(i -> bytes[i] = 0);
        StringBuilder tokens = new StringBuilder();
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            if (isResolvable(section, relocation)) {
                resolve(relocation, bytes);
            } else if (relocation.type() != Elf.R_X86_64_NONE) {
                int from = (int) relocation.offset();
                Arrays.fill(bytes, from, Math.min(bytes.length, from + relocation.width()), (byte) 0);
                if (!isEmptyReplacement(section, relocation)) {
                    tokens.append('\n').append(token(section, relocation));
                }
            }
        }
        clearLines(section, bytes);
        return HexFormat.of().formatHex(bytes) + tokens;
    }

    /** Whether an assembler could have done without it, as it does for a local function. */
    private boolean isResolvable(ElfSection section, ElfRelocation relocation) {
        return form(relocation) == Elf.R_X86_64_PC32
                && elf.symbols().get(relocation.symbol()).shndx() == section.index()
                && relocation.offset() + relocation.width() <= section.size();
    }

    private void resolve(ElfRelocation relocation, byte[] bytes) {
        long distance = elf.symbols().get(relocation.symbol()).value() + relocation.addend() - relocation.offset();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt((int) relocation.offset(), (int) distance);
    }

    private boolean isEmptyReplacement(ElfSection section, ElfRelocation relocation) {
        int size = elf.relocations(section.index()).size() < 2
                ? 12
                : (int) (section.size() / (elf.relocations(section.index()).size() / 2));
        int entry = (int) (relocation.offset() / size) * size;
        return section.name().equals(".altinstructions")
                && relocation.offset() - entry == 4
                && elf.content(section)[entry + size - 1] == 0;
    }

    private static void clearLines(ElfSection section, byte[] bytes) {
        if (section.name().equals("__bug_table")) {
            for (int at = 0; at + BUG <= bytes.length; at += BUG) {
                bytes[at + 8] = 0;
                bytes[at + 9] = 0;
            }
        } else if (section.name().equals("__dyndbg")) {
            for (int at = 0; at + DEBUG_PRINT <= bytes.length; at += DEBUG_PRINT) {
                bytes[at + 32] = 0;
                bytes[at + 33] = 0;
                bytes[at + 34] &= (byte) 0xfc;
            }
        }
    }

    private String token(ElfSection holder, ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        return "%x %d %s".formatted(relocation.offset(), form(relocation), target(holder, relocation, symbol));
    }

    /** The kernel has no procedure linkage table. */
    private static int form(ElfRelocation relocation) {
        return relocation.type() == Elf.R_X86_64_PLT32 ? Elf.R_X86_64_PC32 : relocation.type();
    }

    private String target(ElfSection holder, ElfRelocation relocation, ElfSymbol symbol) {
        long place = symbol.value() + relocation.addend();
        if (symbol.isUndefined()) {
            return symbol.name() + " + " + relocation.addend() + (symbol.isWeak() ? " weak" : "");
        }
        if (!symbol.isDefined()) {
            return symbol.shndx() + ": " + place;
        }
        ElfSection home = elf.sections().get(symbol.shndx());
        if (!isMerged(home)) {
            return home.index() + " " + place;
        }
        byte[] bytes = elf.content(home);
        int at = (int) (place + (relocation.isPcRelative() ? bias(holder, relocation) : 0));
        if (at < 0 || at >= bytes.length) {
            return home.index() + " " + place;
        }
        if (home.isStrings()) {
            String text = text(bytes, at);
            return '"' + withoutPlace(text) + '"';
        }
        int end = (int) (at - at % home.entsize() + home.entsize());
        return at % home.entsize()
                + " of "
                + HexFormat.of().formatHex(bytes, (int) (at - at % home.entsize()), Math.min(bytes.length, end));
    }

    /** Where a build has its sources, and how many lines are above. */
    private static String withoutPlace(String text) {
        Matcher place = SOURCE_PLACE.matcher(text);
        if (!place.matches()) {
            return text;
        }
        String file = place.group("file");
        return place.group("field")
                + file.substring(file.lastIndexOf('/') + 1)
                + (place.group("line").isEmpty() ? "" : ":");
    }

    private static String text(byte[] bytes, int at) {
        int end = at;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, at, end - at, StandardCharsets.ISO_8859_1);
    }

    private int bias(ElfSection holder, ElfRelocation relocation) {
        if (!holder.isExec()) {
            return 0;
        }
        var before =
                decoded.computeIfAbsent(holder.index(), s -> decode(holder)).floorEntry((int) relocation.offset());
        return before != null && before.getValue().end() > relocation.offset()
                ? before.getValue().end() - (int) relocation.offset()
                : relocation.width();
    }

    private NavigableMap<Integer, Instruction> decode(ElfSection section) {
        NavigableMap<Integer, Instruction> found = new TreeMap<>();
        byte[] bytes = elf.content(section);
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.isFunction() && symbol.shndx() == section.index()) {
                try {
                    Decoder.shared()
                            .decodeAll(bytes, (int) symbol.value(), (int) (symbol.value() + symbol.size()))
                            .forEach(i -> found.put(i.offset(), i));
                } catch (DecodeException e) {
                    found.clear(); // a mutation; then the function differs anyway
                }
            }
        }
        return found;
    }

    /** Where a file has padding, by section. */
    static Map<Integer, BitSet> padding(ElfObject elf) {
        Map<Integer, BitSet> used = new HashMap<>();
        Map<Integer, TreeSet<Long>> referred = new HashMap<>();
        Map<Integer, TreeSet<Long>> starts = new HashMap<>();
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.isDefined() && (symbol.isFunction() || symbol.isObject())) {
                mark(used, symbol.shndx(), symbol.value(), symbol.value() + symbol.size());
                starts.computeIfAbsent(symbol.shndx(), s -> new TreeSet<>()).add(symbol.value());
            }
        }
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc()) {
                for (ElfRelocation relocation : elf.relocations(section.index())) {
                    mark(used, section.index(), relocation.offset(), relocation.offset() + relocation.width());
                    ElfSymbol symbol = elf.symbols().get(relocation.symbol());
                    if (symbol.isDefined()) {
                        referred.computeIfAbsent(symbol.shndx(), s -> new TreeSet<>())
                                .add(symbol.value() + relocation.addend());
                    }
                }
            }
        }
        Map<Integer, BitSet> padding = new HashMap<>();
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc() && starts.containsKey(section.index())) {
                padding.put(
                        section.index(),
                        padding(
                                section,
                                used.getOrDefault(section.index(), new BitSet()),
                                referred.getOrDefault(section.index(), new TreeSet<>()),
                                starts.getOrDefault(section.index(), new TreeSet<>())));
            }
        }
        return padding;
    }

    private static BitSet padding(
            ElfSection section, BitSet used, NavigableSet<Long> referred, NavigableSet<Long> starts) {
        BitSet padding = new BitSet();
        padding.set(0, (int) section.size());
        padding.andNot(used);
        List<Long> meant = new ArrayList<>(referred);
        for (long place : meant) {
            if (place >= 0 && place < section.size() && padding.get((int) place)) {
                Long next = starts.higher(place);
                padding.clear((int) place, (int) (next == null ? section.size() : next));
            }
        }
        return padding;
    }

    private static void mark(Map<Integer, BitSet> sets, int section, long from, long to) {
        sets.computeIfAbsent(section, s -> new BitSet()).set((int) from, (int) to);
    }

    /** Parts in which two forms differ. */
    static Set<String> differences(Map<String, String> a, Map<String, String> b) {
        Set<String> names = new TreeSet<>(a.keySet());
        names.addAll(b.keySet());
        names.removeIf(name -> a.getOrDefault(name, "none").equals(b.getOrDefault(name, "none")));
        return names;
    }
}
