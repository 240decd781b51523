package io.kmolt.route;

import java.util.List;

/** A number that a route computes. None has side effects, so they may be computed in any order, or not at all. */
sealed interface Value extends Term {
    /** A number that is known already. */
    record Constant(long value) implements Value {}

    /** Something that is there to be read. */
    sealed interface Leaf extends Value {
        /** The least number that it can be. */
        long least();

        /** The greatest number that it can be. */
        long greatest();
    }

    /** What the kernel knows about the caller. */
    enum Quantity implements Leaf {
        /** {@code cred->uid}. */
        UID("uid", false),
        /** {@code cred->gid}. */
        GID("gid", false),
        /** {@code task_struct.pid}: the thread. */
        PID("pid", true),
        /** {@code task_struct.tgid}: the process. */
        TGID("tgid", true),
        /** {@code smp_processor_id()}. */
        CPU("cpu", true);

        private final String text;
        private final boolean signed;

        Quantity(String text, boolean signed) {
            this.text = text;
            this.signed = signed;
        }

        String text() {
            return text;
        }

        /** Whether its 32 bits have a sign. */
        boolean signed() {
            return signed;
        }

        @Override
        public long least() {
            return signed ? Integer.MIN_VALUE : 0;
        }

        @Override
        public long greatest() {
            return signed ? Integer.MAX_VALUE : 0xffff_ffffL;
        }

        static List<String> names() {
            return List.of("uid", "gid", "pid", "tgid", "cpu");
        }
    }

    /** An argument of the function. */
    record Argument(int index, ArgumentType type) implements Leaf {
        @Override
        public long least() {
            return type.least();
        }

        @Override
        public long greatest() {
            return type.greatest();
        }
    }

    /** A 64-bit word of the core. */
    record SwitchWord(String name) implements Leaf {
        @Override
        public long least() {
            return Long.MIN_VALUE;
        }

        @Override
        public long greatest() {
            return Long.MAX_VALUE;
        }
    }

    /** {@code -operand}. */
    record Negation(Value operand) implements Value {}

    /** {@code ~operand}. */
    record Complement(Value operand) implements Value {}

    /** An operator of {@link Operator.Kind#ARITHMETIC} with two operands. A constant stands right if it can. */
    record Arithmetic(Operator operator, Value left, Value right) implements Value {}

    /** One of two values. */
    record Choice(Condition condition, Value then, Value otherwise) implements Value {}
}
