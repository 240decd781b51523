package io.kmolt.route;

import io.kmolt.route.Condition.Comparison;
import io.kmolt.route.Value.Argument;
import io.kmolt.route.Value.Arithmetic;
import io.kmolt.route.Value.Constant;
import io.kmolt.route.Value.Leaf;
import io.kmolt.route.Value.Quantity;

/** How a comparison is made, the best way first. */
enum ComparisonForm {
    /** {@code leaf == constant}: where the leaf is, with its own width. */
    LEAF,
    /** {@code (leaf & mask) == 0}: the bits are looked at where the leaf is, with its own width. */
    LEAF_BITS,
    /** {@code (value & mask) == 0}. */
    BITS,
    /** Two arguments of one type: as they are, with their own width. */
    ARGUMENTS,
    /** The right one can be an instruction's source. */
    WITH_DIRECT,
    /** The left one can be an instruction's source. */
    DIRECT_WITH,
    /** Both have to be computed. */
    PAIR;

    static ComparisonForm of(Comparison comparison) {
        Value left = comparison.left();
        Value right = comparison.right();
        if (left instanceof Leaf && right instanceof Constant) {
            return LEAF;
        }
        boolean equality = comparison.operator() == Operator.EQUAL || comparison.operator() == Operator.NOT_EQUAL;
        if (equality
                && right.equals(new Constant(0))
                && left instanceof Arithmetic(Operator operator, Value value, Constant(long mask))
                && operator == Operator.AND) {
            if (value instanceof Leaf leaf && isWithin(leaf, mask)) {
                return LEAF_BITS;
            }
            if (Encoder.fitsInt(mask)) {
                return BITS;
            }
        }
        if (left instanceof Argument a
                && right instanceof Argument b
                && a.type().equals(b.type())) {
            return ARGUMENTS;
        }
        if (Demand.isDirect(right)) {
            return WITH_DIRECT;
        }
        return Demand.isDirect(left) && !(left instanceof Constant) ? DIRECT_WITH : PAIR;
    }

    /** Whether a mask for 64 bits is one for the leaf's bits: it has none among those that an extension makes. */
    private static boolean isWithin(Leaf leaf, long mask) {
        return width(leaf) == 64 ? Encoder.fitsInt(mask) : mask >= 0 && mask <= leaf.greatest();
    }

    /** How many bits there are of it. */
    static int width(Leaf leaf) {
        return switch (leaf) {
            case Quantity _ -> 32;
            case Argument argument -> argument.type().bits();
            case Value.SwitchWord _ -> 64;
        };
    }

    /** Whether its bits have a sign; all of 64 bits have. */
    static boolean signed(Leaf leaf) {
        return switch (leaf) {
            case Quantity quantity -> quantity.signed();
            case Argument argument ->
                argument.type().bits() == 64 || argument.type().signed();
            case Value.SwitchWord _ -> true;
        };
    }

    /** How many registers it takes. */
    int demand(Comparison comparison) {
        return switch (this) {
            case LEAF, LEAF_BITS, ARGUMENTS -> 1;
            case BITS -> comparison.left() instanceof Arithmetic masked ? Demand.of(masked.left()) : 1;
            case WITH_DIRECT -> Demand.of(comparison.left());
            case DIRECT_WITH -> Demand.of(comparison.right());
            case PAIR -> Demand.ofPair(comparison.left(), comparison.right());
        };
    }
}
