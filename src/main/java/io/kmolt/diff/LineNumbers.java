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
import java.util.Set;

/**
 * Line numbers in code: kernels that look for mistakes tell {@code might_sleep()} and its like where they are called
 * from, as {@code (__FILE__, __LINE__)}. They say how many lines are above, not what the code does.
 *
 * <p>Recognised is {@code mov $line, %esi} that leads straight to a call of one of these, the second of whose arguments is
 * the line (include/linux/kernel.h, include/linux/lockdep.h). What is put together in another way counts as changed.
 */
final class LineNumbers {
    private static final Set<String> TOLD =
            Set.of("__might_sleep", "__might_resched", "__might_fault", "lockdep_rcu_suspicious");

    /** {@code mov $imm32, %esi}. */
    private static final int MOV_ESI = 0xb8 + 6;

    private LineNumbers() {}

    /** Sets them to zero in a function's code. */
    static void clear(KernelModule module, Item function, byte[] code) {
        Map<Long, String> calls = calls(module, function);
        if (calls.isEmpty()) {
            return;
        }
        List<Instruction> instructions = module.instructions(function);
        for (int i = 0; i < instructions.size(); i++) {
            Instruction mov = instructions.get(i);
            if (isLine(mov) && leadsToOne(instructions.subList(i + 1, instructions.size()), calls)) {
                int at = (int) (mov.offset() + mov.immOffset() - function.offset());
                Arrays.fill(code, at, at + mov.immSize(), (byte) 0);
            }
        }
    }

    private static boolean isLine(Instruction mov) {
        return mov.map() == OpcodeMap.ONE_BYTE && mov.opcode() == MOV_ESI && mov.length() == 5;
    }

    private static boolean leadsToOne(List<Instruction> next, Map<Long, String> calls) {
        for (Instruction instruction : next) {
            if (instruction.flow() != Flow.NEXT) {
                return instruction.isCall() && calls.containsKey((long) instruction.offset());
            }
            if (isLine(instruction)) {
                return false;
            }
        }
        return false;
    }

    /** Calls of what is told its line, by where the instruction begins; all are {@code call rel32}. */
    private static Map<Long, String> calls(KernelModule module, Item function) {
        Map<Long, String> calls = new HashMap<>();
        for (Reference reference : module.references(function)) {
            if (reference.referent() instanceof Referent.Import(String name) && TOLD.contains(name)) {
                calls.put(reference.offset() - 1, name);
            }
        }
        return calls;
    }
}
