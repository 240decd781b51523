package io.kmolt.diff;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.Reason.Kind;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import io.kmolt.x86.Instruction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Says why functions count as changed.
 *
 * <p>Both builds' instructions are walked side by side, up to the first pair that differs in more than the distance of a
 * jump within the function: such distances follow from what was put in or taken out elsewhere. They are the reason only
 * if nothing else is.
 */
final class Reasons {
    private final Comparison comparison;

    Reasons(Comparison comparison) {
        this.comparison = comparison;
    }

    /**
     * One side of the walk: a function's bytes without what does not count as code (see {@link Shape}), its instructions but
     * for padding, and what they refer to.
     */
    private record Side(
            KernelModule module,
            Item function,
            byte[] code,
            List<Reference> references,
            List<Instruction> instructions) {
        static Side of(KernelModule module, Item function, LineNumbers lines) {
            List<Instruction> instructions = module.instructions(function).stream()
                    .filter(i -> !i.mnemonic().equals("nop"))
                    .toList();
            byte[] code = Arrays.copyOfRange(
                    module.content(function.section()), (int) function.offset(), (int) function.end());
            for (Reference reference : module.references(function)) {
                CodeNotes.clear(code, Shape.at(reference, reference.offset() - function.offset()));
            }
            lines.clear(module, function, code);
            return new Side(module, function, code, module.references(function), instructions);
        }

        long at(Instruction instruction) {
            return instruction.offset() - function.offset();
        }

        List<Reference> references(Instruction instruction) {
            return references.stream()
                    .filter(r -> r.offset() >= instruction.offset() && r.offset() < instruction.end())
                    .toList();
        }

        byte[] bytes(Instruction instruction) {
            int at = (int) at(instruction);
            return Arrays.copyOfRange(code, at, at + instruction.length());
        }

        String text(Instruction instruction) {
            return CodeText.of(module, function, instruction, references(instruction));
        }
    }

    /** Why a function that both builds have is not the same. */
    Reason of(Item oldItem, Item newItem) {
        Side old = Side.of(comparison.oldModule(), oldItem, comparison.lines());
        Side now = Side.of(comparison.newModule(), newItem, comparison.lines());
        Optional<Reason> jump = Optional.empty();
        int common = Math.min(old.instructions.size(), now.instructions.size());
        for (int i = 0; i < common; i++) {
            Instruction a = old.instructions.get(i);
            Instruction b = now.instructions.get(i);
            if (isJumpWithin(old, a) && isJumpWithin(now, b) && a.mnemonic().equals(b.mnemonic())) {
                if (jump.isEmpty() && !old.text(a).equals(now.text(b))) {
                    jump = Optional.of(changed(Kind.INSTRUCTION, old, a, now, b));
                }
                continue;
            }
            Optional<Reason> found = difference(old, a, now, b);
            if (found.isPresent()) {
                return found.get();
            }
        }
        Optional<Reason> elsewhere = jump;
        return atTheEnd(old, now, common)
                .or(() -> elsewhere)
                .orElseGet(() -> new Reason(
                        Kind.TABLES, -1, -1, "the instructions are the same, but not what tables say about them"));
    }

    private static boolean isJumpWithin(Side side, Instruction instruction) {
        return instruction.isJump()
                && instruction.branchTarget().isPresent()
                && side.references(instruction).isEmpty();
    }

    private Optional<Reason> difference(Side old, Instruction a, Side now, Instruction b) {
        List<Reference> olds = old.references(a);
        List<Reference> news = now.references(b);
        if (!Arrays.equals(old.bytes(a), now.bytes(b))) {
            boolean number = isSameForm(a, b) && sameButNumbers(old.bytes(a), now.bytes(b), b);
            if (!number || a.disp() != b.disp() || !comparison.lines().isMoved(old.function, a, now.function, b)) {
                return Optional.of(changed(number ? Kind.CONSTANT : Kind.INSTRUCTION, old, a, now, b));
            }
        }
        if (olds.size() != news.size()) {
            return Optional.of(changed(Kind.REFERENT, old, a, now, b));
        }
        for (int i = 0; i < olds.size(); i++) {
            Reference o = olds.get(i);
            Reference n = news.get(i);
            if (o.use() != n.use()) {
                return Optional.of(changed(Kind.REFERENT, old, a, now, b));
            }
            if (!comparison.sameReferent().test(o, n)) {
                return Optional.of(referent(old.at(a), now.at(b), b, o, n));
            }
        }
        return Optional.empty();
    }

    private static Reason changed(Kind kind, Side old, Instruction a, Side now, Instruction b) {
        return new Reason(kind, old.at(a), now.at(b), old.text(a) + " → " + now.text(b));
    }

    private static boolean isSameForm(Instruction a, Instruction b) {
        return a.length() == b.length()
                && a.mnemonic().equals(b.mnemonic())
                && a.map() == b.map()
                && a.opcode() == b.opcode()
                && a.modrm() == b.modrm();
    }

    private static boolean sameButNumbers(byte[] x, byte[] y, Instruction instruction) {
        for (int i = 0; i < x.length; i++) {
            boolean displacement =
                    i >= instruction.dispOffset() && i < instruction.dispOffset() + instruction.dispSize();
            boolean immediate = i >= instruction.immOffset() && i < instruction.immOffset() + instruction.immSize();
            if (x[i] != y[i] && !displacement && !immediate) {
                return false;
            }
        }
        return true;
    }

    private Reason referent(long oldAt, long newAt, Instruction instruction, Reference o, Reference n) {
        boolean branch = n.use() == Reference.Use.BRANCH;
        String verb = !branch ? "refers to " : instruction.isCall() ? "calls " : "jumps to ";
        if (o.referent() instanceof Referent.InItem a
                && n.referent() instanceof Referent.InItem b
                && b.item().equals(comparison.correlation().newOf(a.item()))
                && a.delta() == b.delta()) {
            return new Reason(
                    Kind.CONTENTS, oldAt, newAt, verb + b.item().name() + ", " + contents(a.item(), b.item()));
        }
        String before = CodeText.of(o);
        String after = CodeText.of(n);
        String text = before.equals(after)
                ? verb + after + ", of which it is not certain that it is the same"
                : verb + after + " instead of " + before;
        return new Reason(branch ? Kind.CALL : Kind.REFERENT, oldAt, newAt, text);
    }

    private String contents(Item oldItem, Item newItem) {
        if (oldItem.size() != newItem.size()) {
            return "which has another size";
        }
        boolean variable = oldItem.kind() == SectionKind.STATE || oldItem.kind() == SectionKind.PERCPU;
        boolean changed = comparison.objects().get(oldItem) == Change.CHANGED;
        return changed && variable ? "which begins with another value" : "whose contents changed";
    }

    private static Optional<Reason> atTheEnd(Side old, Side now, int common) {
        if (now.instructions.size() > common) {
            Instruction first = now.instructions.get(common);
            long end = old.function.size();
            return Optional.of(new Reason(
                    Kind.INSTRUCTION, end, now.at(first), "goes on with " + now.text(first) + " where it ended"));
        }
        if (old.instructions.size() > common) {
            Instruction first = old.instructions.get(common);
            long end = now.function.size();
            return Optional.of(new Reason(Kind.INSTRUCTION, old.at(first), end, "ends before " + old.text(first)));
        }
        return Optional.empty();
    }

    /** The functions that a function calls or jumps to, each once, its own parts left aside. */
    static List<String> calls(KernelModule module, Item function) {
        List<String> names = new ArrayList<>();
        for (Reference reference : module.references(function)) {
            if (reference.use() == Reference.Use.BRANCH) {
                String name = switch (reference.referent()) {
                    case Referent.InItem in -> in.item().parent();
                    case Referent.Import(String imported) -> imported;
                    case Referent.Literal _, Referent.Anonymous _, Referent.Absolute _ -> "";
                };
                if (!name.isEmpty() && !name.equals(function.parent()) && !names.contains(name)) {
                    names.add(name);
                }
            }
        }
        return names;
    }
}
