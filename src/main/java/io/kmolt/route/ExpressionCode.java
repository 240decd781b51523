package io.kmolt.route;

import io.kmolt.route.Condition.Comparison;
import io.kmolt.route.Value.Argument;
import io.kmolt.route.Value.Arithmetic;
import io.kmolt.route.Value.Choice;
import io.kmolt.route.Value.Complement;
import io.kmolt.route.Value.Constant;
import io.kmolt.route.Value.Leaf;
import io.kmolt.route.Value.Negation;
import io.kmolt.route.Value.Quantity;
import io.kmolt.route.Value.SwitchWord;

/**
 * Makes code of values and conditions. It changes r10, r11 and the flags, and what it pushes it pops again.
 *
 * <p>What is to be compared or chosen by is never computed as a 0 or 1: conditions become jumps.
 */
final class ExpressionCode {
    private final Assembler code;
    private final KernelLayout layout;

    ExpressionCode(Assembler code, KernelLayout layout) {
        this.code = code;
        this.layout = layout;
    }

    /** Computes a value; needs the spare register to be free if the value's {@link Demand} is more than one. */
    void value(Value value, Registers in) {
        switch (value) {
            case Constant constant -> code.add(Encoder.constant(in.to(), constant.value()));
            case Leaf leaf -> load(leaf, in.to());
            case Negation negation -> {
                value(negation.operand(), in);
                code.add(Encoder.negate(in.to()));
            }
            case Complement complement -> {
                value(complement.operand(), in);
                code.add(Encoder.complement(in.to()));
            }
            case Arithmetic arithmetic -> arithmetic(arithmetic, in);
            case Choice choice -> {
                Mark otherwise = new Mark("otherwise");
                Mark done = new Mark("chosen");
                branch(choice.condition(), false, otherwise, in);
                value(choice.then(), in);
                code.jump(JumpKind.ALWAYS, done);
                code.place(otherwise);
                value(choice.otherwise(), in);
                code.place(done);
            }
        }
    }

    private void load(Leaf leaf, Register to) {
        code.add(Encoder.load(
                to,
                reach(leaf, to),
                ComparisonForm.width(leaf),
                leaf instanceof Argument argument ? argument.type().signed() : ComparisonForm.signed(leaf)));
    }

    /** Makes a leaf reachable, with the help of a register. */
    private Operand reach(Leaf leaf, Register through) {
        return switch (leaf) {
            case Argument argument -> Register.argument(argument.index());
            case SwitchWord word -> new Operand.Outside(new CodeTarget.SwitchWord(word.name()));
            case Quantity quantity ->
                switch (quantity) {
                    case CPU -> new Operand.PerCpu(layout.cpuNumber(), "cpu");
                    case PID -> current(layout.pid(), "current->pid", through);
                    case TGID -> current(layout.tgid(), "current->tgid", through);
                    case UID -> credential(layout.uid(), "cred->uid", through);
                    case GID -> credential(layout.gid(), "cred->gid", through);
                };
        };
    }

    private Operand current(int offset, String what, Register through) {
        code.add(Encoder.load(through, new Operand.PerCpu(layout.currentTask(), "current"), 64, false));
        return new Operand.Memory(through, offset, what);
    }

    private Operand credential(int offset, String what, Register through) {
        Operand cred = current(layout.cred(), "current->cred", through);
        code.add(Encoder.load(through, cred, 64, false));
        return new Operand.Memory(through, offset, what);
    }

    private void arithmetic(Arithmetic arithmetic, Registers in) {
        Operator operator = arithmetic.operator();
        Value left = arithmetic.left();
        Value right = arithmetic.right();
        if (operator.isShift()) {
            shift(arithmetic, in);
        } else if (Demand.isDirect(right)) {
            value(left, in);
            apply(operator, in.to(), right);
        } else if (operator.isCommutative() && Demand.isDirect(left)) {
            value(right, in);
            apply(operator, in.to(), left);
        } else {
            pair(left, right, in);
            apply(operator, in.to(), in.spare());
        }
    }

    private void apply(Operator operator, Register to, Value direct) {
        if (direct instanceof Constant(long value)) {
            code.add(
                    operator == Operator.TIMES
                            ? Encoder.multiply(to, value)
                            : Encoder.alu(operation(operator), 64, to, value));
        } else {
            apply(operator, to, directOperand(direct));
        }
    }

    private void apply(Operator operator, Register to, Operand from) {
        code.add(operator == Operator.TIMES ? Encoder.multiply(to, from) : Encoder.alu(operation(operator), to, from));
    }

    private static Alu operation(Operator operator) {
        return switch (operator) {
            case PLUS -> Alu.ADD;
            case MINUS -> Alu.SUB;
            case AND -> Alu.AND;
            case XOR -> Alu.XOR;
            case OR -> Alu.OR;
            default -> throw new IllegalArgumentException(operator.name());
        };
    }

    /** Of what {@link Demand#isDirect} and is no constant. */
    private Operand directOperand(Value direct) {
        return switch (direct) {
            case Argument argument -> reach(argument, Register.R10);
            case SwitchWord word -> reach(word, Register.R10);
            default -> throw new IllegalArgumentException("not direct: " + direct);
        };
    }

    /** A count that is not known beforehand has to be in rcx, which is the function's fourth argument. */
    private void shift(Arithmetic arithmetic, Registers in) {
        Shift shift = arithmetic.operator() == Operator.SHIFT_LEFT ? Shift.SHL : Shift.SAR;
        if (arithmetic.right() instanceof Constant count) {
            value(arithmetic.left(), in);
            code.add(Encoder.shift(shift, in.to(), (int) count.value()));
        } else {
            pair(arithmetic.left(), arithmetic.right(), in);
            code.add(Encoder.exchange(Register.RCX, in.spare()));
            code.add(Encoder.shiftByCl(shift, in.to()));
            code.add(Encoder.exchange(Register.RCX, in.spare()));
        }
    }

    /** Computes the left one into {@code to} and the right one into the spare register. */
    private void pair(Value left, Value right, Registers in) {
        if (!in.spareFree()) {
            throw new IllegalStateException("two registers are needed, and one is free");
        }
        int first = Demand.of(left);
        int second = Demand.of(right);
        if (second == 1) {
            value(left, in);
            value(right, in.exchanged().keepingSpare());
        } else if (first == 1) {
            value(right, in.exchanged());
            value(left, in.keepingSpare());
        } else if (first >= second) {
            value(left, in);
            code.push(in.to());
            value(right, in.exchanged());
            code.pop(in.to());
        } else {
            value(right, in.exchanged());
            code.push(in.spare());
            value(left, in);
            code.pop(in.spare());
        }
    }

    /** Jumps if the condition is as said, and goes on if not. */
    void branch(Condition condition, boolean when, Mark target, Registers in) {
        switch (condition) {
            case Condition.Always always -> {
                if (always.holds() == when) {
                    code.jump(JumpKind.ALWAYS, target);
                }
            }
            case Comparison comparison -> {
                boolean signed = compare(comparison, in);
                Operator operator = comparison.operator();
                code.jump(JumpKind.of(when ? operator : operator.inverse(), signed), target);
            }
            case Condition.Both both -> joined(both.first(), both.second(), false, when, target, in);
            case Condition.Either either -> joined(either.first(), either.second(), true, when, target, in);
            case Condition.Chosen chosen -> {
                Mark otherwise = new Mark("otherwise");
                Mark done = new Mark("decided");
                branch(chosen.condition(), false, otherwise, in);
                branch(chosen.then(), when, target, in);
                code.jump(JumpKind.ALWAYS, done);
                code.place(otherwise);
                branch(chosen.otherwise(), when, target, in);
                code.place(done);
            }
        }
    }

    /** {@code decisive}: what the first has to be for the second not to matter. */
    private void joined(Condition first, Condition second, boolean decisive, boolean when, Mark target, Registers in) {
        if (when == decisive) {
            branch(first, when, target, in);
            branch(second, when, target, in);
        } else {
            Mark decided = new Mark("decided");
            branch(first, decisive, decided, in);
            branch(second, when, target, in);
            code.place(decided);
        }
    }

    /** Sets the flags; says whether they are to be read as those of numbers with a sign. */
    private boolean compare(Comparison comparison, Registers in) {
        Value left = comparison.left();
        Value right = comparison.right();
        ComparisonForm form = ComparisonForm.of(comparison);
        switch (form) {
            case LEAF -> {
                return compare((Leaf) left, ((Constant) right).value(), in.to());
            }
            case LEAF_BITS -> {
                Arithmetic masked = (Arithmetic) left;
                Leaf leaf = (Leaf) masked.left();
                Operand operand = reach(leaf, in.to());
                long mask = ((Constant) masked.right()).value();
                code.add(Encoder.test(ComparisonForm.width(leaf), operand, mask).commented(operand.comment()));
            }
            case BITS -> {
                Arithmetic masked = (Arithmetic) left;
                value(masked.left(), in);
                code.add(Encoder.test(64, in.to(), ((Constant) masked.right()).value()));
            }
            case ARGUMENTS -> {
                Argument one = (Argument) left;
                Register other = Register.argument(((Argument) right).index());
                code.add(Encoder.compare(one.type().bits(), Register.argument(one.index()), other));
                return ComparisonForm.signed(one);
            }
            case WITH_DIRECT -> {
                value(left, in);
                compareWithDirect(in.to(), right);
            }
            case DIRECT_WITH -> {
                value(right, in);
                code.add(Encoder.compare(64, directOperand(left), in.to()));
            }
            case PAIR -> {
                pair(left, right, in);
                code.add(Encoder.compare(64, in.to(), in.spare()));
            }
        }
        return true;
    }

    private void compareWithDirect(Register left, Value right) {
        if (!(right instanceof Constant(long value))) {
            code.add(Encoder.alu(Alu.CMP, left, directOperand(right)));
        } else if (value == 0) {
            code.add(Encoder.testSelf(64, left));
        } else {
            code.add(Encoder.alu(Alu.CMP, 64, left, value));
        }
    }

    /** A leaf where it is; the register is free. */
    boolean compare(Leaf leaf, long constant, Register free) {
        int bits = ComparisonForm.width(leaf);
        if (bits == 64 && !Encoder.fitsInt(constant)) {
            code.add(Encoder.constant(free, constant));
            code.add(Encoder.compare(64, reach(leaf, free), free));
        } else {
            Operand operand = reach(leaf, free);
            code.add(
                    constant == 0 && operand instanceof Register register
                            ? Encoder.testSelf(bits, register)
                            : Encoder.alu(Alu.CMP, bits, operand, constant));
        }
        return ComparisonForm.signed(leaf);
    }
}
