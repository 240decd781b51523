package io.kmolt.route;

/** What stands in the place of an instruction that may be a register or memory. */
sealed interface Operand permits Register, Operand.Memory, Operand.PerCpu, Operand.PerCpuAt, Operand.Outside {
    /** In AT&T syntax; {@code bits} says how much of a register is meant. */
    String text(int bits);

    /** A register's contents plus {@code displacement}. */
    record Memory(Register base, int displacement, String comment) implements Operand {
        @Override
        public String text(int bits) {
            return (displacement == 0 ? "" : "0x" + Integer.toHexString(displacement)) + "(" + base.text(64) + ")";
        }
    }

    /** A variable of this CPU: {@code offset} in its area. */
    record PerCpu(int offset, String comment) implements Operand {
        @Override
        public String text(int bits) {
            return "%gs:0x" + Integer.toHexString(offset);
        }
    }

    /** A variable of this CPU, whose per-CPU address a register holds. */
    record PerCpuAt(Register base) implements Operand {
        @Override
        public String text(int bits) {
            return "%gs:(" + base.text(64) + ")";
        }
    }

    /** Something outside of the code, relative to the next instruction. */
    record Outside(CodeTarget target) implements Operand {
        @Override
        public String text(int bits) {
            return name(target) + "(%rip)";
        }
    }

    /** What explanations call something outside of the code. */
    static String name(CodeTarget target) {
        return switch (target) {
            case CodeTarget.Edition edition -> "edition_" + edition.number();
            case CodeTarget.Old _ -> "old_entry";
            case CodeTarget.ReturnThunk _ -> "__x86_return_thunk";
            case CodeTarget.SwitchWord word -> "switch_" + word.name();
            case CodeTarget.Go _ -> "go";
            case CodeTarget.Marker _ -> "marker";
        };
    }

    /** What it is in the kernel's terms, or {@code ""}. */
    default String comment() {
        return switch (this) {
            case Memory memory -> memory.comment();
            case PerCpu variable -> variable.comment();
            case Register _, PerCpuAt _, Outside _ -> "";
        };
    }
}
