package io.kmolt.route;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How a kernel keeps unwind hints in a section {@code .orc_unwind}; the addresses that they belong to are in
 * {@code .orc_unwind_ip}, as 32-bit distances from the entry. The loader sorts both.
 */
public enum OrcFormat {
    /**
     * {@code struct orc_entry} of Linux 6.1, {@code arch/x86/include/asm/orc_types.h}: two 16-bit offsets, then sp_reg:4,
     * bp_reg:4, type:2, end:1. (From 6.4 on, the types have other numbers.) The base pointer is where it was:
     * ORC_REG_UNDEFINED, as objtool says it of a function's first instruction.
     */
    LINUX_6_1 {
        private static final int ORC_REG_UNDEFINED = 0;
        private static final int ORC_REG_SP = 5;

        @Override
        public int size() {
            return 6;
        }

        @Override
        public byte[] encode(OrcHint hint) {
            int register = hint.isUndefined() ? ORC_REG_UNDEFINED : ORC_REG_SP;
            return ByteBuffer.allocate(size())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putShort((short) hint.spOffset())
                    .putShort((short) 0)
                    .putShort((short) register) // bp_reg, UNWIND_HINT_TYPE_CALL and end are 0
                    .array();
        }
    };

    /** The size of an entry in bytes. */
    public abstract int size();

    /** An entry. */
    public abstract byte[] encode(OrcHint hint);
}
