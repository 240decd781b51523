package io.kmolt.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.x86.Instruction.Flow;
import io.kmolt.x86.Instruction.OpcodeMap;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class DecoderTest {
    private final Decoder decoder = Decoder.shared();

    private Instruction decode(String hex) throws DecodeException {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(hex);
        Instruction instruction = decoder.decode(code, 0, code.length);
        assertThat(instruction.length()).isEqualTo(code.length);
        return instruction;
    }

    @Test
    void aCallHasItsTargetsDistanceAsImmediate() throws Exception {
        Instruction call = decode("e8 10 00 00 00");
        assertThat(call.mnemonic()).isEqualTo("call");
        assertThat(call.isCall()).isTrue();
        assertThat(call.isJump()).isFalse();
        assertThat(call.immOffset()).isEqualTo(1);
        assertThat(call.immSize()).isEqualTo(4);
        assertThat(call.immRelative()).isTrue();
        assertThat(call.branchTarget()).hasValue(0x15);
        assertThat(call.memory()).isFalse();
    }

    @Test
    void positionsAndTargetsCountInTheCodeThatWasGiven() throws Exception {
        byte[] code = HexFormat.of().parseHex("90909090eb02cccc488b0510000000");
        Instruction jump = decoder.decode(code, 4, code.length);
        assertThat(jump.offset()).isEqualTo(4);
        assertThat(jump.end()).isEqualTo(6);
        assertThat(jump.flow()).isEqualTo(Flow.JUMP);
        assertThat(jump.branchTarget()).hasValue(8);
        assertThat(decoder.decode(code, 8, code.length).ripTarget()).hasValue(0x1f);
    }

    @Test
    void jumpsBackwardHaveNegativeDistances() throws Exception {
        assertThat(decode("eb fe").branchTarget()).hasValue(0);
        assertThat(decode("e9 f0 ff ff ff").branchTarget()).hasValue(-11);
    }

    @Test
    void conditionalJumpsAreJumpsThatMayGoOn() throws Exception {
        Instruction near = decode("0f 85 04 00 00 00");
        assertThat(near.mnemonic()).isEqualTo("jnz");
        assertThat(near.flow()).isEqualTo(Flow.CONDITIONAL_JUMP);
        assertThat(near.isJump()).isTrue();
        assertThat(near.isEndOfFlow()).isFalse();
        assertThat(near.immOffset()).isEqualTo(2);
        assertThat(near.map()).isEqualTo(OpcodeMap.MAP_0F);
        assertThat(near.opcode()).isEqualTo(0x85);
        for (String other : List.of("74 02", "e2 02", "e3 02")) { // je, loop, jrcxz
            assertThat(decode(other).flow()).isEqualTo(Flow.CONDITIONAL_JUMP);
            assertThat(decode(other).branchTarget()).hasValue(4);
        }
    }

    @Test
    void indirectBranchesHaveNoTarget() throws Exception {
        Instruction jump = decode("ff e0"); // jmp *%rax
        assertThat(jump.flow()).isEqualTo(Flow.JUMP);
        assertThat(jump.branchTarget()).isEmpty();
        assertThat(jump.memory()).isFalse();
        Instruction call = decode("ff 15 08 00 00 00"); // call *8(%rip)
        assertThat(call.isCall()).isTrue();
        assertThat(call.branchTarget()).isEmpty();
        assertThat(call.ripTarget()).hasValue(14);
    }

    @Test
    void returnsEndTheFlow() throws Exception {
        for (String ret : List.of("c3", "c2 08 00", "48 cf", "48 0f 07")) { // ret, ret $8, iretq, sysretq
            assertThat(decode(ret).isRet()).isTrue();
            assertThat(decode(ret).isEndOfFlow()).isTrue();
        }
        assertThat(decode("cc").flow()).isEqualTo(Flow.NEXT);
    }

    @Test
    void aRipRelativeOperandCountsFromTheNextInstruction() throws Exception {
        Instruction load = decode("48 8b 05 f9 ff ff ff"); // mov -7(%rip),%rax
        assertThat(load.ripRelative()).isTrue();
        assertThat(load.indexed()).isFalse();
        assertThat(load.dispOffset()).isEqualTo(3);
        assertThat(load.dispSize()).isEqualTo(4);
        assertThat(load.disp()).isEqualTo(-7);
        assertThat(load.ripTarget()).hasValue(0);
    }

    /** Its relocation's addend is -8, not -4: the immediate stands between the displacement and the next instruction. */
    @Test
    void anImmediateMayFollowTheDisplacement() throws Exception {
        Instruction store = decode("c7 05 00 00 00 00 02 00 00 00"); // movl $2,0(%rip)
        assertThat(store.dispOffset()).isEqualTo(2);
        assertThat(store.immOffset()).isEqualTo(6);
        assertThat(store.imm()).isEqualTo(2);
        assertThat(store.immRelative()).isFalse();
        assertThat(store.ripTarget()).hasValue(10);
        assertThat(store.length() - store.dispOffset()).isEqualTo(8);
        assertThat(store.isDispAt(2)).isTrue();
        assertThat(store.isImmAt(6)).isTrue();

        Instruction compare = decode("80 3d 00 00 00 00 00"); // cmpb $0,0(%rip)
        assertThat(compare.length() - compare.dispOffset()).isEqualTo(5);
    }

    @Test
    void anAddressMayBeAnImmediate() throws Exception {
        Instruction extended = decode("48 c7 c7 78 56 34 92"); // mov $-0x6dcba988,%rdi
        assertThat(extended.immOffset()).isEqualTo(3);
        assertThat(extended.immSize()).isEqualTo(4);
        assertThat(extended.imm()).isEqualTo(0xffff_ffff_9234_5678L);
        assertThat(extended.memory()).isFalse();
        assertThat(extended.dispSize()).isZero();

        Instruction wide = decode("48 b8 88 77 66 55 44 33 22 11"); // movabs
        assertThat(wide.immSize()).isEqualTo(8);
        assertThat(wide.imm()).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void tableAccessesAreIndexed() throws Exception {
        Instruction scaled = decode("48 8b 04 c5 00 10 00 80"); // mov -0x7ffff000(,%rax,8),%rax
        assertThat(scaled.memory()).isTrue();
        assertThat(scaled.indexed()).isTrue();
        assertThat(scaled.ripRelative()).isFalse();
        assertThat(scaled.dispOffset()).isEqualTo(4);
        assertThat(scaled.disp()).isEqualTo(-0x7fff_f000L);

        Instruction jump = decode("ff 24 c5 00 00 00 00"); // jmp *0(,%rax,8)
        assertThat(jump.indexed()).isTrue();
        assertThat(jump.flow()).isEqualTo(Flow.JUMP);

        assertThat(decode("8b 80 00 00 00 00").indexed()).isTrue(); // mov 0(%rax),%eax
        assertThat(decode("42 8b 04 65 00 00 00 00").indexed()).isTrue(); // mov 0(,%r12,2),%eax
        assertThat(decode("c4 a1 78 10 04 65 00 00 00 00").indexed()).isTrue(); // vmovups 0(,%r12,2),%xmm0
    }

    @Test
    void absoluteAddressesAreNotIndexed() throws Exception {
        Instruction canary = decode("65 48 8b 04 25 28 00 00 00"); // mov %gs:0x28,%rax
        assertThat(canary.memory()).isTrue();
        assertThat(canary.indexed()).isFalse();
        assertThat(canary.ripRelative()).isFalse();
        assertThat(canary.dispOffset()).isEqualTo(5);
        assertThat(canary.disp()).isEqualTo(0x28);
        assertThat(decode("c5 f8 10 04 25 00 00 00 00").indexed()).isFalse(); // vmovups 0x0,%xmm0

        Instruction moffs = decode("48 a1 88 77 66 55 44 33 22 11"); // movabs 0x1122334455667788,%rax
        assertThat(moffs.memory()).isTrue();
        assertThat(moffs.dispSize()).isEqualTo(8);
        assertThat(moffs.indexed()).isFalse();
    }

    @Test
    void controlRegistersAreNotMemory() throws Exception {
        assertThat(decode("0f 20 05").memory()).isFalse(); // mov %cr0,%rbp with an unusual ModRM byte
        assertThat(decode("0f 20 05").ripRelative()).isFalse();
    }

    @Test
    void longNopsAndEndbrAreOneInstruction() throws Exception {
        assertThat(decode("0f 1f 44 00 00").mnemonic()).isEqualTo("nop");
        assertThat(decode("f3 0f 1e fa").mnemonic()).isEqualTo("endbr64");
    }

    @Test
    void decodesOneAfterTheOther() throws Exception {
        byte[] code = HexFormat.of().parseHex("0f1f4400005548" + "89e55dc3");
        List<Instruction> all = decoder.decodeAll(code, 0, code.length);
        assertThat(all).extracting(Instruction::offset).containsExactly(0, 5, 6, 9, 10);
        assertThat(decoder.decodeAll(code, 5, 9)).isEqualTo(all.subList(1, 3));
        assertThat(decoder.decodeAll(code, 3, 3)).isEmpty();
    }

    @Test
    void saysWhereThereIsNoInstruction() {
        byte[] code = {(byte) 0x90, 0x06, (byte) 0x90};
        assertThatThrownBy(() -> decoder.decodeAll(code, 0, 3))
                .isInstanceOfSatisfying(
                        DecodeException.class, e -> assertThat(e.offset()).isEqualTo(1))
                .hasMessage("offset 0x1: not an instruction");
    }

    @Test
    void anInstructionMayNotReachBeyondTheLimit() {
        byte[] code = HexFormat.of().parseHex("90e810000000");
        assertThatThrownBy(() -> decoder.decodeAll(code, 0, 4))
                .isInstanceOf(DecodeException.class)
                .hasMessage("offset 0x1: the code ends within an instruction");
        assertThatThrownBy(() -> decoder.decode(code, 6, 6))
                .isInstanceOf(DecodeException.class)
                .hasMessage("offset 0x6: the code ends within an instruction");
        assertThatThrownBy(() -> decoder.decode(code, 4, 7)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aMissingDecoderNamesThePackage() {
        assertThat(new DecoderUnavailableException("the library is missing", null))
                .hasMessage("the library is missing: install the package libzydis4.0");
    }

    @Test
    void anInstructionIsWrittenAsTheAssemblerReadsIt() throws Exception {
        assertThat(text("b8 05 00 00 00")).isEqualTo("mov $0x05, %eax");
        assertThat(text("48 8b 47 28")).isEqualTo("mov 0x28(%rdi), %rax");
        assertThat(text("4c 89 24 d8")).isEqualTo("mov %r12, (%rax,%rbx,8)");
        assertThat(text("c3")).isEqualTo("ret");
    }

    @Test
    void placesInItAreThoseInTheCodeThatWasGiven() throws Exception {
        byte[] code = HexFormat.of().parseHex("90909090eb02cccc488b0510000000");
        assertThat(decoder.text(code, decoder.decode(code, 4, code.length))).endsWith("08");
        assertThat(decoder.text(code, decoder.decode(code, 8, code.length))).isEqualTo("mov 0x000000000000001F, %rax");
    }

    private String text(String hex) throws DecodeException {
        return decoder.text(HexFormat.ofDelimiter(" ").parseHex(hex), decode(hex));
    }
}
