package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.x86.Instruction;
import io.kmolt.x86.Instruction.Flow;
import io.kmolt.x86.Instruction.OpcodeMap;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Line numbers that functions are told, to say where they are called from.
 *
 * <p>Which functions: those with which kernels that look for mistakes check each other, by name, the second argument of which
 * is the line (include/linux/kernel.h, include/linux/lockdep.h); and those that types show to take a line number, as {@code
 * __ext4_error(sb, function, line, …)} does ({@link Types#lineArgument}). Recognised is a {@code mov} of a number to the
 * argument's register that leads straight to the call.
 */
final class ToldLines {
    private static final Set<String> CHECKS =
            Set.of("__might_sleep", "__might_resched", "__might_fault", "lockdep_rcu_suspicious");

    /** {@code mov $imm32, %r32} is this opcode plus the register's number; r8 to r15 take a prefix. */
    private static final int MOV = 0xb8;

    private static final int MOV_LENGTH = 5;
    private static final int PREFIXED_MOV_LENGTH = 6;

    /** Numbers of the registers that arguments travel in, in their order (System V psABI, 3.2.3). */
    private static final List<Integer> ARGUMENTS = List.of(7, 6, 2, 1, 8, 9);

    private final Types types;

    ToldLines(Types types) {
        this.types = types;
    }

    /** Sets them to zero in a function's code. */
    void clear(KernelModule module, Item function, byte[] code) {
        Map<Long, Integer> calls = calls(module, function);
        if (calls.isEmpty()) {
            return;
        }
        List<Instruction> instructions = module.instructions(function);
        for (int i = 0; i < instructions.size(); i++) {
            Instruction mov = instructions.get(i);
            int register = register(mov);
            if (register >= 0 && leadsToCall(instructions.subList(i + 1, instructions.size()), register, calls)) {
                int at = (int) (mov.offset() + mov.immOffset() - function.offset());
                Arrays.fill(code, at, at + mov.immSize(), (byte) 0);
            }
        }
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

    private static boolean leadsToCall(List<Instruction> next, int register, Map<Long, Integer> calls) {
        for (Instruction instruction : next) {
            if (instruction.flow() != Flow.NEXT) {
                return instruction.isCall() && calls.getOrDefault((long) instruction.offset(), -1) == register;
            }
            if (register(instruction) == register) {
                return false;
            }
        }
        return false;
    }

    /** Registers of the line, by where the call begins; all are {@code call rel32}. */
    private Map<Long, Integer> calls(KernelModule module, Item function) {
        Map<Long, Integer> calls = new HashMap<>();
        for (Reference reference : module.references(function)) {
            OptionalInt argument = lineArgument(reference.referent());
            if (argument.isPresent() && argument.getAsInt() < ARGUMENTS.size()) {
                calls.put(reference.offset() - 1, ARGUMENTS.get(argument.getAsInt()));
            }
        }
        return calls;
    }

    private OptionalInt lineArgument(Referent callee) {
        return switch (callee) {
            case Referent.Import(String name) -> CHECKS.contains(name) ? OptionalInt.of(1) : types.lineArgument(name);
            case Referent.InItem(Item item, long delta) ->
                item.function() && delta == 0 ? types.lineArgument(item.name()) : OptionalInt.empty();
            case Referent.Literal _, Referent.Anonymous _, Referent.Absolute _ -> OptionalInt.empty();
        };
    }
}
