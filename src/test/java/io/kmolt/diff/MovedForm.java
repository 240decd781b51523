package io.kmolt.diff;

import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.x86.DecodeException;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The functions and objects of a module's file apart from their order, their places and the numbers behind their names: what
 * {@link LinkedForm} is for files in which everything is at the same place. Worked out from the ELF file alone, without what
 * is under test. Tables about code, which name no symbols, are not in it.
 */
final class MovedForm {
    private final ElfObject elf;

    private MovedForm(ElfObject elf) {
        this.elf = elf;
    }

    /** One line for each function and object, sorted. */
    static List<String> of(ElfObject elf) throws DecodeException {
        MovedForm form = new MovedForm(elf);
        List<String> lines = new ArrayList<>();
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.isDefined() && (symbol.isFunction() || symbol.isObject()) && symbol.size() > 0) {
                String section = elf.sections().get(symbol.shndx()).name();
                if (!section.equals(".modinfo")) { // which has a hash of the sources
                    lines.add(form.line(symbol));
                }
            }
        }
        lines.sort(Comparator.naturalOrder());
        return lines;
    }

    private String line(ElfSymbol symbol) throws DecodeException {
        ElfSection section = elf.sections().get(symbol.shndx());
        byte[] all = bytes(section);
        int from = (int) symbol.value();
        int end = (int) (symbol.value() + symbol.size());
        List<String> tokens = new ArrayList<>();
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            if (relocation.offset() >= from && relocation.offset() < end) {
                long bias = relocation.isPcRelative() ? relocation.width() : 0;
                token(tokens, all, from, (int) relocation.offset(), relocation.width(), target(relocation, bias));
            }
        }
        if (symbol.isFunction()) {
            byte[] code = all.clone();
            for (Instruction instruction : Decoder.shared().decodeAll(code, from, end)) {
                int at = instruction.offset() + instruction.immOffset();
                long leadsTo = instruction.branchTarget().orElse(from);
                boolean relocated = elf.relocations(section.index()).stream().anyMatch(r -> r.offset() == at);
                if (!relocated && (leadsTo < from || leadsTo >= end)) {
                    token(tokens, all, from, at, instruction.immSize(), place(section.index(), leadsTo));
                }
            }
        }
        tokens.sort(Comparator.naturalOrder());
        return "%s %s %s %s"
                .formatted(
                        section.name(),
                        stem(symbol),
                        HexFormat.of().formatHex(Arrays.copyOfRange(all, from, end)),
                        tokens);
    }

    private byte[] bytes(ElfSection section) {
        return section.isNobits() ? new byte[(int) section.size()] : elf.content(section);
    }

    private static void token(List<String> tokens, byte[] all, int from, int at, int width, String target) {
        Arrays.fill(all, at, at + width, (byte) 0);
        tokens.add("%04x %d %s".formatted(at - from, width, target));
    }

    private String target(ElfRelocation relocation, long bias) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        if (!symbol.isDefined()) {
            return symbol.name() + "+" + relocation.addend();
        }
        long place = symbol.value() + relocation.addend() + bias;
        ElfSection home = elf.sections().get(symbol.shndx());
        if (home.isStrings() && place >= 0 && place < home.size()) {
            byte[] bytes = elf.content(home);
            int end = (int) place;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return '"' + new String(bytes, (int) place, end - (int) place, StandardCharsets.ISO_8859_1) + '"';
        }
        return place(symbol.shndx(), place);
    }

    /** The symbol there, by its stem and what is in it, as namesakes are told apart by that. */
    private String place(int section, long place) {
        Optional<ElfSymbol> there = elf.symbols().stream()
                .filter(s -> s.shndx() == section && (s.isFunction() || s.isObject()))
                .filter(s -> s.value() <= place && place < s.value() + s.size())
                .findFirst();
        if (there.isEmpty()) {
            return elf.sections().get(section).name() + "+" + place;
        }
        ElfSymbol symbol = there.get();
        ElfSection home = elf.sections().get(section);
        String contents = symbol.isFunction() || home.isNobits()
                ? ""
                : HexFormat.of()
                        .formatHex(elf.content(home), (int) symbol.value(), (int) (symbol.value() + symbol.size()));
        return stem(symbol) + "+" + (place - symbol.value()) + contents;
    }

    private static String stem(ElfSymbol symbol) {
        return symbol.name().replaceAll("\\.\\d+$", "");
    }

    /** Whether two files differ in where things are, and their functions and objects in nothing else. */
    static boolean isMoved(ElfObject a, ElfObject b) throws DecodeException {
        return !places(a).equals(places(b)) && of(a).equals(of(b));
    }

    private static Set<String> places(ElfObject elf) {
        Set<String> places = new TreeSet<>();
        elf.symbols().forEach(s -> places.add(s.name() + " " + s.shndx() + " " + s.value()));
        return places;
    }
}
