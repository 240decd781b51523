package io.kmolt.route;

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
 * How many registers something takes (Sethi and Ullman, "The Generation of Optimal Code for Arithmetic Expressions", 1970).
 * Where it is more than two, there will be pushes.
 */
final class Demand {
    private Demand() {}

    static int of(Value value) {
        return switch (value) {
            case Constant _, Leaf _ -> 1;
            case Negation negation -> of(negation.operand());
            case Complement complement -> of(complement.operand());
            case Arithmetic arithmetic -> of(arithmetic);
            case Choice choice -> Math.max(of(choice.condition()), Math.max(of(choice.then()), of(choice.otherwise())));
        };
    }

    private static int of(Arithmetic arithmetic) {
        Value left = arithmetic.left();
        Value right = arithmetic.right();
        if (arithmetic.operator().isShift()) {
            return right instanceof Constant ? of(left) : ofPair(left, right);
        }
        if (isDirect(right)) {
            return of(left);
        }
        return arithmetic.operator().isCommutative() && isDirect(left) ? of(right) : ofPair(left, right);
    }

    static int of(Condition condition) {
        return switch (condition) {
            case Condition.Always _ -> 0;
            case Condition.Comparison comparison ->
                ComparisonForm.of(comparison).demand(comparison);
            case Condition.Both both -> Math.max(of(both.first()), of(both.second()));
            case Condition.Either either -> Math.max(of(either.first()), of(either.second()));
            case Condition.Chosen chosen ->
                Math.max(of(chosen.condition()), Math.max(of(chosen.then()), of(chosen.otherwise())));
        };
    }

    /** Both in registers at the same time. */
    static int ofPair(Value left, Value right) {
        int one = of(left);
        int other = of(right);
        return one == other ? one + 1 : Math.max(one, other);
    }

    /** Whether an instruction on 64 bits can have it as its source, without a register for it. */
    static boolean isDirect(Value value) {
        return switch (value) {
            case Constant constant -> Encoder.fitsInt(constant.value());
            case Argument argument -> argument.type().bits() == 64;
            case SwitchWord _ -> true;
            case Quantity _, Negation _, Complement _, Arithmetic _, Choice _ -> false;
        };
    }
}
