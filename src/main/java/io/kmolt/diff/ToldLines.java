package io.kmolt.diff;

import io.kmolt.btf.LineParameter;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.x86.Instruction;
import io.kmolt.x86.Instruction.Flow;
import io.kmolt.x86.Instruction.OpcodeMap;
import io.kmolt.x86.NamedRegisters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Line numbers that functions are told, to say where they are called from.
 *
 * <p>Which functions: those with which kernels that look for mistakes check each other, by name, the second argument of which
 * is the line (include/linux/kernel.h, include/linux/lockdep.h); and those of the module's own that types show to take one, as
 * {@code __ext4_error(sb, function, line, …)} does ({@link Types#lineParameter}), unless several have that name. Recognised is a
 * {@code mov} of a number to the argument's register that leads to the call without a choice, with nothing between that could
 * use the register.
 */
final class ToldLines {
    private static final LineParameter SECOND = new LineParameter(1, true);
    private static final Set<String> CHECKS =
            Set.of("__might_sleep", "__might_resched", "__might_fault", "lockdep_rcu_suspicious");

    /** {@code mov $imm32, %r32} is this opcode plus the register's number; r8 to r15 take a prefix. */
    private static final int MOV = 0xb8;

    /** Between the number and the call; compilers need a tenth of it. */
    private static final int MOST_STEPS = 100;

    private static final int MOV_LENGTH = 5;
    private static final int PREFIXED_MOV_LENGTH = 6;

    /** Numbers of the registers that arguments travel in, in their order (System V psABI, 3.2.3). */
    private static final List<Integer> ARGUMENTS = List.of(7, 6, 2, 1, 8, 9);

    private final KernelModule module;
    private final Types types;
    private final Map<String, Integer> functions = new HashMap<>();

    ToldLines(KernelModule module, Types types) {
        this.module = module;
        this.types = types;
        module.items().stream().filter(Item::function).forEach(f -> functions.merge(f.name(), 1, Integer::sum));
    }

    /**
     * A number that is moved to such an argument.
     *
     * @param mov the instruction
     * @param certain whether it is a line number, whatever else is known
     */
    record Told(Instruction mov, boolean certain) {}

    /** All in a function. */
    List<Told> in(Item function) {
        Map<Long, LineParameter> calls = calls(function);
        if (calls.isEmpty()) {
            return List.of();
        }
        NavigableMap<Integer, Instruction> instructions = new TreeMap<>();
        module.instructions(function).forEach(i -> instructions.put(i.offset(), i));
        List<Told> told = new ArrayList<>();
        for (Instruction mov : instructions.values()) {
            int register = register(mov);
            if (register >= 0) {
                argument(function, instructions, mov, register, calls)
                        .ifPresent(a -> told.add(new Told(mov, a.certain())));
            }
        }
        return told;
    }

    /** The number of the register that a number is moved to; -1 if it is another instruction. */
    private static int register(Instruction mov) {
        int number = mov.opcode() - MOV;
        if (mov.map() != OpcodeMap.ONE_BYTE || number < 0 || number > 7 || mov.immSize() != Integer.BYTES) {
            return -1;
        }
        return switch (mov.length()) {
            case MOV_LENGTH -> number;
            case PREFIXED_MOV_LENGTH -> number + 8;
            default -> -1;
        };
    }

    /** Which argument the register holds at the call that the flow of control leads to, direct jumps included. */
    private Optional<LineParameter> argument(
            Item function,
            NavigableMap<Integer, Instruction> instructions,
            Instruction mov,
            int register,
            Map<Long, LineParameter> calls) {
        byte[] code = module.content(function.section());
        Instruction next = instructions.get(mov.end());
        for (int steps = 0; next != null && steps < MOST_STEPS; steps++) {
            if (next.isCall()) {
                return Optional.ofNullable(calls.get((long) next.offset()))
                        .filter(a -> ARGUMENTS.get(a.place()) == register);
            }
            if (next.flow() == Flow.JUMP && next.branchTarget().isPresent() && !refers(function, next)) {
                next = instructions.get((int) next.branchTarget().getAsLong());
                continue;
            }
            int named = NamedRegisters.of(code, next).orElse(-1);
            if (next.flow() != Flow.NEXT || (named & 1 << register) != 0) {
                return Optional.empty();
            }
            next = instructions.get(next.end());
        }
        return Optional.empty();
    }

    /** Whether where it leads is for a relocation, or outside. */
    private boolean refers(Item function, Instruction jump) {
        return module.references(function).stream()
                .anyMatch(r -> r.offset() >= jump.offset() && r.offset() < jump.end());
    }

    /** By where the call begins; all are {@code call rel32}. */
    private Map<Long, LineParameter> calls(Item function) {
        Map<Long, LineParameter> calls = new HashMap<>();
        for (Reference reference : module.references(function)) {
            lineParameter(reference.referent())
                    .filter(a -> a.place() < ARGUMENTS.size())
                    .ifPresent(a -> calls.put(reference.offset() - 1, a));
        }
        return calls;
    }

    private Optional<LineParameter> lineParameter(Referent callee) {
        return switch (callee) {
            case Referent.Import(String name) -> CHECKS.contains(name) ? Optional.of(SECOND) : Optional.empty();
            case Referent.InItem(Item item, long delta) ->
                item.function() && delta == 0 && functions.getOrDefault(item.name(), 0) == 1
                        ? types.lineParameter(item.name())
                        : Optional.empty();
            case Referent.Literal _, Referent.Anonymous _, Referent.Absolute _ -> Optional.empty();
        };
    }
}
