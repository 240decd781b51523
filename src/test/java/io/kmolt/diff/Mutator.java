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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Changes one thing in a module's file: a byte, a relocation, a symbol, a section's flag. */
final class Mutator {
    private static final int RELA = 24;
    private static final int SYMBOL = 24;
    private static final int HEADER = 64;
    private static final int FLAGS = 8;
    private static final int TYPE = 4;

    private final ElfObject elf;
    private final RandomGenerator random;
    private final List<ElfSection> loaded;
    private final List<ElfSection> tables;
    private final List<ElfSection> merged;
    private final List<ElfSymbol> functions;
    private final List<ElfSymbol> objects;
    private final List<ElfSection> relas;
    private final Map<ElfSymbol, List<Instruction>> instructions = new HashMap<>();

    /**
     * A changed file.
     *
     * @param what what was changed
     */
    record Mutant(String what, byte[] file) {}

    private record Patch(String what, long at, byte[] bytes) {}

    Mutator(ElfObject elf, RandomGenerator random) {
        this.elf = elf;
        this.random = random;
        this.loaded = elf.sections().stream()
                .filter(s -> s.isAlloc() && s.hasContent() && s.size() > 0)
                .toList();
        this.tables = loaded.stream()
                .filter(s ->
                        s.name().matches("__.*|_ftrace.*|\\.(alt|para|orc|ret|smp|static_call_s|ibt|gnu\\.link).*"))
                .toList();
        this.merged = loaded.stream().filter(ElfSection::isMergeable).toList();
        this.functions = elf.symbols().stream()
                .filter(s -> s.isDefined() && s.isFunction() && s.size() > 0)
                .toList();
        this.objects = elf.symbols().stream()
                .filter(s -> s.isDefined() && s.isObject() && s.size() > 0)
                .filter(s -> elf.sections().get(s.shndx()).hasContent())
                .toList();
        this.relas = elf.sections().stream()
                .filter(s -> s.isRela()
                        && s.size() > 0
                        && elf.sections().get(s.info()).isAlloc())
                .toList();
    }

    /** Changes one thing. */
    Mutant next() {
        while (true) {
            @Nullable
            Patch patch = switch (random.nextInt(14)) {
                case 0 -> byteOf("code of", pick(functions));
                case 1, 2 -> instruction();
                case 3, 4 -> byteOf("contents of", pick(objects));
                case 5 -> byteOf("literal in", pick(merged));
                case 6 -> relocation(pick(relas));
                case 7, 8 -> relocation(inTables());
                case 9 -> byteOf("table", pick(tables));
                case 10 -> section();
                case 11 -> symbol();
                case 12 -> byteOf("any byte of", pick(loaded));
                default -> wordOf(pick(objects));
            };
            if (patch != null) {
                byte[] file = elf.bytes();
                System.arraycopy(patch.bytes(), 0, file, (int) patch.at(), patch.bytes().length);
                return new Mutant(patch.what(), file);
            }
        }
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private ElfSection inTables() {
        List<ElfSection> found = relas.stream()
                .filter(r -> tables.stream().anyMatch(t -> t.index() == r.info()))
                .toList();
        return pick(found);
    }

    private Patch byteOf(String what, ElfSymbol symbol) {
        ElfSection section = elf.sections().get(symbol.shndx());
        long at = symbol.value() + random.nextLong(symbol.size());
        return changed("%s %s".formatted(what, symbol.name()), section, at, 1 + random.nextInt(255));
    }

    private Patch byteOf(String what, ElfSection section) {
        return changed(what + " " + section.name(), section, random.nextLong(section.size()), 1 + random.nextInt(255));
    }

    private Patch changed(String what, ElfSection section, long at, int mask) {
        byte[] bytes = elf.content(section);
        byte value = (byte) (bytes[(int) at] ^ mask);
        return new Patch(
                "%s: %s + 0x%x: %02x to %02x".formatted(what, section.name(), at, bytes[(int) at], value),
                section.offset() + at,
                new byte[] {value});
    }

    private @Nullable Patch wordOf(ElfSymbol symbol) {
        long at = symbol.value() + random.nextLong((symbol.size() + 7) / 8) * 8;
        ElfSection section = elf.sections().get(symbol.shndx());
        return at >= section.size() ? null : changed("member of " + symbol.name(), section, at, 1);
    }

    /** Another immediate, another displacement, the opposite condition, another opcode. */
    private @Nullable Patch instruction() {
        ElfSymbol function = pick(functions);
        ElfSection section = elf.sections().get(function.shndx());
        List<Instruction> code = instructions.computeIfAbsent(function, f -> decode(section, f));
        if (code.isEmpty()) {
            return null;
        }
        Instruction chosen = pick(code);
        long field;
        if (chosen.isConditionalJump() && random.nextBoolean()) {
            field = chosen.offset() + (chosen.length() > 2 ? chosen.length() - 5L : 0);
        } else if (chosen.immSize() > 0) {
            field = (long) chosen.offset() + chosen.immOffset();
        } else if (chosen.dispSize() > 0) {
            field = (long) chosen.offset() + chosen.dispOffset();
        } else {
            field = chosen.end() - 1L;
        }
        long at = Math.max(field, chosen.offset());
        return changed(
                "instruction %s of %s".formatted(chosen.mnemonic(), function.name()),
                section,
                at,
                1 << random.nextInt(8));
    }

    private List<Instruction> decode(ElfSection section, ElfSymbol function) {
        try {
            return Decoder.shared().decodeAll(elf.content(section), (int) function.value(), (int)
                    (function.value() + function.size()));
        } catch (DecodeException e) {
            return List.of();
        }
    }

    private Patch relocation(ElfSection rela) {
        int index = random.nextInt((int) (rela.size() / RELA));
        ElfSection holder = elf.sections().get(rela.info());
        ElfRelocation before = elf.relocations(holder.index()).get(index);
        ElfRelocation after = switch (random.nextInt(4)) {
            case 0, 1 -> before.withSymbol(before.symbol(), before.addend() + pick(List.of(1, -1, 4, 8, -8, 16, 32)));
            case 2 -> before.withSymbol(otherSymbol(before), before.addend());
            default ->
                new ElfRelocation(
                        before.offset(),
                        pick(List.of(
                                Elf.R_X86_64_NONE,
                                Elf.R_X86_64_64,
                                Elf.R_X86_64_PC32,
                                Elf.R_X86_64_PLT32,
                                Elf.R_X86_64_32,
                                Elf.R_X86_64_32S,
                                Elf.R_X86_64_PC64)),
                        before.symbol(),
                        before.addend());
        };
        ByteBuffer entry = ByteBuffer.allocate(RELA).order(ByteOrder.LITTLE_ENDIAN);
        entry.putLong(after.offset())
                .putInt(after.type())
                .putInt(after.symbol())
                .putLong(after.addend());
        return new Patch(
                "relocation in %s: %s to %s".formatted(holder.name(), text(before), text(after)),
                rela.offset() + (long) index * RELA,
                entry.array());
    }

    private int otherSymbol(ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        List<ElfSymbol> alike = elf.symbols().stream()
                .filter(s -> s.type() == symbol.type() && s.isUndefined() == symbol.isUndefined() && s.index() > 0)
                .toList();
        return alike.isEmpty() ? relocation.symbol() : pick(alike).index();
    }

    private String text(ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        String name = symbol.isSection() ? elf.sections().get(symbol.shndx()).name() : symbol.name();
        return "0x%x %s %s + 0x%x".formatted(relocation.offset(), relocation.typeName(), name, relocation.addend());
    }

    private @Nullable Patch section() {
        ElfSection section = pick(random.nextInt(4) == 0 ? elf.sections() : loaded);
        if (section.index() == 0) {
            return null;
        }
        long header =
                ByteBuffer.wrap(elf.bytes()).order(ByteOrder.LITTLE_ENDIAN).getLong(40)
                        + (long) section.index() * HEADER;
        if (random.nextInt(5) == 0) {
            int type = section.type() == Elf.SHT_NOBITS ? Elf.SHT_PROGBITS : section.type() + 1;
            return new Patch(
                    "type of %s: %d to %d".formatted(section.name(), section.type(), type),
                    header + TYPE,
                    number(type, 4));
        }
        long flags = section.flags() ^ (1L << pick(List.of(0, 1, 2, 4, 5, 7, 9, 10, 11, 15, 20, 28, 31, 33, 60)));
        return new Patch(
                "flags of %s: %x to %x".formatted(section.name(), section.flags(), flags),
                header + FLAGS,
                number(flags, 8));
    }

    private @Nullable Patch symbol() {
        ElfSection table = elf.symbolTable().orElseThrow();
        ElfSymbol symbol = pick(elf.symbols());
        if (symbol.index() == 0) {
            return null;
        }
        long at = table.offset() + (long) symbol.index() * SYMBOL;
        return switch (random.nextInt(5)) {
            case 0 -> patch(symbol, "value", at + 8, symbol.value() + pick(List.of(1, -1, 8, -8, 16)), 8);
            case 1 -> patch(symbol, "size", at + 16, symbol.size() + pick(List.of(1, -1, 8, -8)), 8);
            case 2 -> patch(symbol, "binding", at + 4, (symbol.binding() + 1) % 3 << 4 | symbol.type(), 1);
            case 3 -> patch(symbol, "type", at + 4, symbol.binding() << 4 | (symbol.type() + 1) % 4, 1);
            default -> patch(symbol, "visibility", at + 5, symbol.other() ^ 2, 1);
        };
    }

    private static Patch patch(ElfSymbol symbol, String what, long at, long value, int width) {
        return new Patch("%s of symbol %s: %d".formatted(what, symbol.name(), value), at, number(value, width));
    }

    private static byte[] number(long value, int width) {
        byte[] bytes = new byte[width];
        for (int i = 0; i < width; i++) {
            bytes[i] = (byte) (value >>> (8 * i));
        }
        return bytes;
    }
}
