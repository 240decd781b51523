package io.kmolt.x86;

import java.util.OptionalLong;

/**
 * One x86-64 instruction, measured: where its displacement and its immediate lie, and what they mean.
 *
 * <p>Terms: Intel SDM volume 2, chapter 2 ("Instruction Format"). All positions are in bytes; those of displacement and
 * immediate count from the instruction's first byte.
 *
 * @param offset where it begins, in the code that was decoded
 * @param length 1 to 15
 * @param mnemonic as {@code mov}, {@code jnz}; in lower case
 * @param flow what it does to the flow of control
 * @param map the opcode map that {@code opcode} belongs to
 * @param opcode the opcode's last byte
 * @param modrm the ModRM byte, or -1 if it has none
 * @param memory whether an operand is a memory operand, that of {@code lea} and of long nops included
 * @param ripRelative whether that operand is addressed relative to the next instruction
 * @param indexed whether that operand's address depends on a general register, as in a table access
 * @param dispOffset where the displacement begins
 * @param dispSize its size, 0 if there is none; 8 only in {@code mov} between rax and an absolute address
 * @param disp its value, sign-extended (EVEX scales 8-bit displacements; this is the unscaled value)
 * @param immOffset where the (first) immediate begins
 * @param immSize its size, 0 if there is none
 * @param imm its value, sign-extended as the instruction does it
 * @param immRelative whether it is the distance of a branch target from the next instruction
 */
public record Instruction(
        int offset,
        int length,
        String mnemonic,
        Flow flow,
        OpcodeMap map,
        int opcode,
        int modrm,
        boolean memory,
        boolean ripRelative,
        boolean indexed,
        int dispOffset,
        int dispSize,
        long disp,
        int immOffset,
        int immSize,
        long imm,
        boolean immRelative) {

    /** What an instruction does to the flow of control. */
    public enum Flow {
        /** Goes on to the next instruction (also what traps, as {@code int3} and {@code ud2}). */
        NEXT,
        CALL,
        JUMP,
        /** Jumps or goes on: {@code jcc}, {@code loop}, {@code jrcxz}, {@code xbegin}. */
        CONDITIONAL_JUMP,
        /** {@code ret}, {@code iretq}, {@code sysret}, {@code sysexit}. */
        RETURN
    }

    /** Tables of opcodes (Intel SDM volume 2, appendix A). */
    public enum OpcodeMap {
        /** One byte. */
        ONE_BYTE,
        /** {@code 0f xx}. */
        MAP_0F,
        /** {@code 0f 38 xx}. */
        MAP_0F38,
        /** {@code 0f 3a xx}. */
        MAP_0F3A,
        /** Reached by none of the former: AVX-512's and AMD's further maps. */
        OTHER
    }

    /** Offset of the next instruction. */
    public int end() {
        return offset + length;
    }

    public boolean isCall() {
        return flow == Flow.CALL;
    }

    /** Conditional or not. */
    public boolean isJump() {
        return flow == Flow.JUMP || flow == Flow.CONDITIONAL_JUMP;
    }

    public boolean isConditionalJump() {
        return flow == Flow.CONDITIONAL_JUMP;
    }

    public boolean isRet() {
        return flow == Flow.RETURN;
    }

    /** Never goes on to the next instruction. */
    public boolean isEndOfFlow() {
        return flow == Flow.JUMP || flow == Flow.RETURN;
    }

    /** Where a direct call or jump goes, in the coordinates of {@link #offset}; what its bytes say, relocations apart. */
    public OptionalLong branchTarget() {
        return immRelative ? OptionalLong.of(end() + imm) : OptionalLong.empty();
    }

    /** What a rip-relative operand refers to, in the coordinates of {@link #offset}; what its bytes say, relocations apart. */
    public OptionalLong ripTarget() {
        return ripRelative ? OptionalLong.of(end() + disp) : OptionalLong.empty();
    }

    /** Whether {@code at}, counted from the instruction's start, is where its displacement begins. */
    public boolean isDispAt(int at) {
        return dispSize > 0 && at == dispOffset;
    }

    /** Whether {@code at}, counted from the instruction's start, is where its immediate begins. */
    public boolean isImmAt(int at) {
        return immSize > 0 && at == immOffset;
    }
}
