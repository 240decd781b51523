package io.kmolt.module;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.x86.Instruction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a section of a module refers to.
 *
 * <p>The assembler replaces most local symbols in relocations by their section; here it is found again which function or
 * object is meant. In code that takes the length of the instruction: a relocation relative to the instruction pointer
 * counts from the instruction's end, which an immediate operand puts behind the field. Branches and addresses within a
 * section have no relocation at all; they are read from the instructions.
 *
 * <p>Bound: each relocation and each instruction once, each with a binary search among the section's items. Fallback: a
 * place that lies in nothing is said to be behind what comes before it, and to be {@linkplain Reference#doubtful()
 * doubtful}. Limits: in code that belongs to no function, as replacements of alternatives, instructions are not known,
 * and fields are taken to end them.
 */
final class ReferenceFinder {
    private final KernelModule module;

    ReferenceFinder(KernelModule module) {
        this.module = module;
    }

    List<Reference> find(int section) {
        List<Reference> found = new ArrayList<>();
        Code instructions = module.code(section);
        for (ElfRelocation relocation : module.elf().relocations(section)) {
            if (relocation.type() != Elf.R_X86_64_NONE) {
                found.add(reference(
                        module.elf().sections().get(section),
                        relocation,
                        instructions == null ? null : instructions.covering(relocation.offset())));
            }
        }
        if (instructions != null) {
            addResolved(section, instructions, found);
        }
        found.sort(Comparator.comparingLong(Reference::offset));
        return found;
    }

    private Reference reference(ElfSection holder, ElfRelocation relocation, @Nullable Instruction instruction) {
        ElfSymbol symbol = module.elf().symbols().get(relocation.symbol());
        Reference.Use use = use(relocation, instruction);
        long bias = relocation.isPcRelative() ? bias(relocation, holder, instruction) : 0;
        long place = symbol.value() + relocation.addend() + bias;
        if (symbol.isUndefined() || symbol.shndx() == Elf.SHN_LIVEPATCH) {
            return new Reference(
                    relocation.offset(),
                    relocation.width(),
                    use,
                    new Referent.Import(symbol.name()),
                    relocation,
                    false);
        }
        if (symbol.isAbsolute()) {
            return new Reference(
                    relocation.offset(), relocation.width(), use, new Referent.Absolute(place), relocation, false);
        }
        // clang keeps the names that it gives to string literals; they say no more than a number.
        if (module.kind(symbol.shndx()) == SectionKind.STRINGS) {
            return new Reference(
                    relocation.offset(), relocation.width(), use, literal(symbol.shndx(), place), relocation, false);
        }
        Item named = module.named(symbol.index());
        if (named != null) {
            Referent referent = new Referent.InItem(named, place - named.offset());
            return new Reference(relocation.offset(), relocation.width(), use, referent, relocation, false);
        }
        int stride = instruction != null && use == Reference.Use.ACCESS
                ? Code.stride(module.content(holder.index()), instruction)
                : 0;
        return placed(relocation.offset(), relocation.width(), use, symbol.shndx(), place, relocation, stride);
    }

    /** A reference to a place in a section, of which it is to be found out whose it is. */
    private Reference placed(
            long offset,
            int width,
            Reference.Use use,
            int section,
            long place,
            @Nullable ElfRelocation relocation,
            int stride) {
        Item item = module.at(section, place);
        if (item == null) {
            Referent referent = new Referent.Anonymous(section, place, module.kind(section));
            return new Reference(
                    offset,
                    width,
                    use,
                    referent,
                    relocation,
                    module.kind(section).isData());
        }
        long delta = place - item.offset();
        boolean inside = delta < item.size() || (delta == 0 && item.size() == 0);
        // The end of one table may be the beginning of the next; an access is never to the end.
        boolean touchesPrevious = delta == 0 && use != Reference.Use.ACCESS && isEndOfAnother(section, place);
        // An indexed access may begin elsewhere than it seems, as in next[i - 1]. What indexes a per-CPU variable is a
        // CPU.
        boolean origin = stride > 0 && (delta != 0 || item.kind() != SectionKind.PERCPU);
        boolean doubtful = item.kind().isData() && (!inside || touchesPrevious || origin);
        return new Reference(offset, width, use, new Referent.InItem(item, delta), relocation, doubtful);
    }

    /** How far the end of the instruction, from which the processor counts, is from the field. */
    private static long bias(ElfRelocation relocation, ElfSection holder, @Nullable Instruction instruction) {
        if (instruction != null) {
            return instruction.end() - relocation.offset();
        }
        // Replacements of alternatives are no functions; in them, as nearly everywhere, the field ends the instruction.
        return holder.isExec() ? relocation.width() : 0;
    }

    private static Reference.Use use(ElfRelocation relocation, @Nullable Instruction instruction) {
        if (instruction == null) {
            return Reference.Use.WORD;
        }
        int field = (int) (relocation.offset() - instruction.offset());
        if (instruction.immRelative() && instruction.isImmAt(field)) {
            return Reference.Use.BRANCH;
        }
        boolean operand = instruction.memory() && instruction.isDispAt(field);
        return operand && !instruction.mnemonic().equals("lea") ? Reference.Use.ACCESS : Reference.Use.ADDRESS;
    }

    /** Calls, jumps and addresses within the section, which need no relocation. */
    private void addResolved(int section, Code instructions, List<Reference> found) {
        Set<Long> relocated = new HashSet<>();
        for (Reference reference : found) {
            relocated.add(reference.offset());
        }
        for (Item function : module.in(section)) {
            if (!function.function()) {
                continue;
            }
            for (Instruction instruction : instructions.between(function.offset(), function.end())) {
                Reference reference = resolved(function, instruction);
                if (reference != null && relocated.add(reference.offset())) {
                    found.add(reference);
                }
            }
        }
    }

    private @Nullable Reference resolved(Item function, Instruction instruction) {
        long field;
        long place;
        int width;
        Reference.Use use;
        if (instruction.branchTarget().isPresent()) {
            field = (long) instruction.offset() + instruction.immOffset();
            width = instruction.immSize();
            place = instruction.branchTarget().getAsLong();
            use = Reference.Use.BRANCH;
        } else if (instruction.ripTarget().isPresent()) {
            field = (long) instruction.offset() + instruction.dispOffset();
            width = instruction.dispSize();
            place = instruction.ripTarget().getAsLong();
            use = instruction.mnemonic().equals("lea") ? Reference.Use.ADDRESS : Reference.Use.ACCESS;
        } else {
            return null;
        }
        boolean within = place >= function.offset() && place < function.end();
        // A branch within the function moves with it; a function that calls itself is a call like any other.
        if (within && (place != function.offset() || !instruction.isCall())) {
            return null;
        }
        return placed(field, width, use, function.section(), place, null, 0);
    }

    private Referent literal(int section, long place) {
        byte[] bytes = module.content(section);
        if (place < 0 || place >= bytes.length) {
            return new Referent.Anonymous(section, place, SectionKind.STRINGS);
        }
        int end = (int) place;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new Referent.Literal(
                section, place, new String(bytes, (int) place, end - (int) place, StandardCharsets.ISO_8859_1));
    }

    private boolean isEndOfAnother(int section, long place) {
        Item previous = module.before(section, place);
        return previous != null && previous.end() == place;
    }
}
