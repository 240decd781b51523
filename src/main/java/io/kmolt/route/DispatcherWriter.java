package io.kmolt.route;

import io.kmolt.route.Item.After;
import io.kmolt.route.Value.Argument;
import io.kmolt.route.Value.Choice;
import io.kmolt.route.Value.Constant;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Writes the dispatcher of one function, as {@code struct kmolt_route} describes it.
 *
 * <p>It is entered by ftrace's direct call at the function's beginning. On the stack are two addresses: where the original
 * goes on, and below that where the function returns to. To stay with the original is to return; to go to an edition is to
 * take the first address away and to jump. Either way a return address is on top of the stack at every instruction, except
 * while something is pushed. Only r10, r11 and the flags may change.
 */
final class DispatcherWriter {
    private static final int ORIGINAL = 0;

    private final Assembler code;
    private final KernelLayout layout;
    private final int function;
    private final DispatcherRequest request;
    private final Route route;

    /** Where to jump for an outcome, and what was not written yet of these. */
    private final Map<Integer, Mark> outcomes = new TreeMap<>();

    private final SortedMap<Integer, Mark> pending = new TreeMap<>();

    DispatcherWriter(Assembler code, KernelLayout layout, int function, DispatcherRequest request) {
        this.code = code;
        this.layout = layout;
        this.function = function;
        this.request = request;
        this.route = request.route();
    }

    /** Writes it, and says where its four entries are. */
    Map<Label.Kind, Mark> write() {
        Map<Label.Kind, Mark> marks = new EnumMap<>(Label.Kind.class);
        Mark firstShared = new Mark("first_shared");
        Mark first = new Mark("first");
        Mark marked = new Mark("marked");
        Mark shared = new Mark("shared");
        Mark entry = new Mark("entry");
        marks.put(Label.Kind.FIRST_SHARED, firstShared);
        marks.put(Label.Kind.FIRST, first);
        marks.put(Label.Kind.SHARED, shared);
        marks.put(Label.Kind.ENTRY, entry);

        code.place(firstShared);
        leaveMarkedCalls(marked);
        code.place(first);
        code.add(Encoder.alu(Alu.CMP, 32, new Operand.Outside(new CodeTarget.Go()), 0));
        code.jump(JumpKind.NOT_EQUAL, entry);
        if (request.hasOld()) {
            CodeTarget old = new CodeTarget.Old(function);
            code.leave(Encoder.jump(old).commented("the routes that were in force before"), new After.Elsewhere());
        } else {
            code.leave(returned("no route is in force yet"), new After.Elsewhere());
        }
        code.place(marked);
        code.add(Encoder.constant(Register.R10, 0).commented("else it would be the marker in calls further on"));
        code.leave(returned("an edition calls the original"), new After.Elsewhere());
        code.padding(entry);
        code.place(shared);
        leaveMarkedCalls(marked);
        code.place(entry);
        result(route.program());
        writePending();
        return marks;
    }

    /** An edition calls the original with the marker's address in r10. */
    private void leaveMarkedCalls(Mark marked) {
        code.add(Encoder.address(Register.R11, new Operand.Outside(new CodeTarget.Marker(function))));
        code.add(Encoder.compare(64, Register.R10, Register.R11));
        code.jump(JumpKind.EQUAL, marked);
    }

    private void result(Value value) {
        switch (value) {
            case Constant constant -> outcome(route.outcome(constant.value()));
            case Choice choice -> choice(choice);
            default -> computed(value);
        }
    }

    private void choice(Choice choice) {
        ExpressionCode expressions = new ExpressionCode(code, layout);
        if (choice.otherwise() instanceof Constant other) {
            expressions.branch(choice.condition(), false, at(route.outcome(other.value())), Registers.BOTH);
            result(choice.then());
        } else if (choice.then() instanceof Constant then) {
            expressions.branch(choice.condition(), true, at(route.outcome(then.value())), Registers.BOTH);
            result(choice.otherwise());
        } else {
            Mark otherwise = new Mark("otherwise");
            expressions.branch(choice.condition(), false, otherwise, Registers.BOTH);
            result(choice.then());
            code.place(otherwise);
            result(choice.otherwise());
        }
    }

    /** Compares a number with those of all editions. An argument stays where it is; all else is read once only. */
    private void computed(Value value) {
        ExpressionCode expressions = new ExpressionCode(code, layout);
        if (!(value instanceof Argument)) {
            expressions.value(value, Registers.BOTH);
        }
        for (int edition : route.context().editions()) {
            if (!(value instanceof Argument argument)) {
                code.add(Encoder.alu(Alu.CMP, 64, Registers.BOTH.to(), edition));
                code.jump(JumpKind.EQUAL, at(edition));
            } else if (edition <= argument.greatest()) {
                expressions.compare(argument, edition, Registers.BOTH.to());
                code.jump(JumpKind.EQUAL, at(edition));
            }
        }
        outcome(ORIGINAL);
    }

    /** Where code for an outcome is or will be. */
    private Mark at(int outcome) {
        return outcomes.computeIfAbsent(outcome, number -> {
            Mark mark = new Mark(number == ORIGINAL ? "original" : "edition " + number);
            pending.put(number, mark);
            return mark;
        });
    }

    /** Goes there from here: what was written already is written again, as a jump to it would cost time in every call. */
    private void outcome(int outcome) {
        Mark mark = at(outcome);
        if (pending.remove(outcome) != null) {
            code.place(mark);
        }
        leave(outcome);
    }

    private void writePending() {
        while (!pending.isEmpty()) {
            outcome(pending.firstKey());
        }
    }

    private void leave(int outcome) {
        Long counter = request.counters().get(outcome);
        if (counter != null) {
            code.addCounting(Encoder.constant(Register.R10, counter));
            code.addCounting(Encoder.increment(new Operand.PerCpuAt(Register.R10)));
        }
        if (outcome == ORIGINAL) {
            code.leave(returned("the original"), new After.Outcome(ORIGINAL));
        } else {
            code.add(Encoder.alu(Alu.ADD, 64, Register.RSP, 8));
            CodeTarget edition = new CodeTarget.Edition(function, outcome);
            code.leave(
                    Encoder.jump(edition)
                            .commented("edition " + outcome + " of "
                                    + route.context().function()),
                    new After.Outcome(outcome));
        }
    }

    /** As compilers write a return under {@code -mfunction-return=thunk-extern}; the kernel patches it. */
    private static MachineCode returned(String why) {
        return Encoder.jump(new CodeTarget.ReturnThunk()).commented("return: " + why);
    }
}
