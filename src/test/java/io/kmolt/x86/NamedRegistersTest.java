package io.kmolt.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which registers an instruction names; encodings are GNU as's. */
class NamedRegistersTest {
    private static final List<String> NAMES = List.of(
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
            "r15");

    @ParameterizedTest(name = "{1}")
    @CsvSource(delimiter = '|', textBlock = """
            be 05 00 00 00          | mov $5, %esi              | rsi
            41 b9 05 00 00 00       | mov $5, %r9d              | r9
            48 89 f7                | mov %rsi, %rdi            | rsi rdi
            4c 89 e7                | mov %r12, %rdi            | r12 rdi
            45 31 c0                | xor %r8d, %r8d            | r8
            48 8b 4c 24 08          | mov 8(%rsp), %rcx         | rsp rcx
            4a 8d 14 a7             | lea (%rdi,%r12,4), %rdx   | rdi r12 rdx
            49 8d 14 24             | lea (%r12), %rdx          | r12 rdx
            48 8d 35 00 00 00 00    | lea 0(%rip), %rsi         | rsi
            48 63 d6                | movslq %esi, %rdx         | rsi rdx
            0f b6 c9                | movzbl %cl, %ecx          | rcx
            41 0f b7 46 02          | movzwl 2(%r14), %eax      | rax r14
            48 0f 44 d1             | cmove %rcx, %rdx          | rdx rcx
            41 54                   | push %r12                 | r12
            6a 05                   | push $5                   |
            68 05 01 00 00          | push $0x105               |
            65 48 8b 04 25 28 00 00 00 | mov %gs:0x28, %rax     | rax
            48 81 c6 00 01 00 00    | add $0x100, %rsi          | rsi rax
            c1 e6 04                | shl $4, %esi              | rsi rsp
            90                      | nop                       |
            48 0f af c1             | imul %rcx, %rax           | rcx rax
            6b d6 07                | imul $7, %esi, %edx       | rsi rdx
            a8 01                   | test $1, %al              | rax
            """)
    void areKnownOfWhatSetsUpArguments(String bytes, String text, String registers) {
        OptionalInt mask = mask(bytes);
        assertThat(mask).as(text).isPresent();
        List<String> named = NAMES.stream()
                .filter(name -> (mask.getAsInt() & 1 << NAMES.indexOf(name)) != 0)
                .toList();
        assertThat(named).containsAll(words(registers));
    }

    private static List<String> words(String text) {
        return text == null ? List.of() : Stream.of(text.split(" ")).toList();
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(delimiter = '|', textBlock = """
            d3 e6                   | shl %cl, %esi
            f7 e1                   | mul %ecx
            48 f7 e9                | imul %rcx
            f3 48 a5                | rep movsq
            87 f7                   | xchg %esi, %edi
            f0 0f b1 0f             | lock cmpxchg %ecx, (%rdi)
            0f a2                   | cpuid
            c4 e2 f3 f7 c0          | sarx %rcx, %rax, %rax
            5e                      | pop %rsi
            99                      | cltd
            """)
    void areNotKnownOfAnythingElse(String bytes, String text) {
        assertThat(mask(bytes)).as(text).isEmpty();
    }

    private static OptionalInt mask(String bytes) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(bytes);
        try {
            return NamedRegisters.of(
                    code, Decoder.shared().decodeAll(code, 0, code.length).getFirst());
        } catch (DecodeException e) {
            throw new AssertionError(e);
        }
    }
}
