package io.kmolt.route;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.route.Explanation.Line;
import io.kmolt.route.Explanation.Way;
import io.kmolt.route.Label.Kind;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The code of dispatchers: its bytes, its size, and what goes with it. */
class DispatchersTest {
    private static final KernelLayout LAYOUT = KernelLayoutTest.BOOKWORM;

    private static final List<Integer> EDITIONS = List.of(1, 2, 3, 200);
    private static final List<ArgumentType> ARGUMENTS = List.of(
            new ArgumentType(64, false),
            new ArgumentType(32, true),
            new ArgumentType(16, false),
            new ArgumentType(8, true),
            new ArgumentType(32, false),
            new ArgumentType(64, true));

    private static DispatcherRequest request(String text, Map<Integer, Long> counters) throws RouteException {
        Route route = RouteCompiler.compile(text, new RouteContext("pipe_write", EDITIONS, ARGUMENTS));
        return new DispatcherRequest(route, false, counters);
    }

    private static DispatcherCode assemble(String text) throws RouteException {
        return Dispatchers.assemble(LAYOUT, List.of(request(text, Map.of())));
    }

    /** The instructions from the entry on, in AT&T syntax. */
    private static List<String> entry(String text) throws RouteException {
        DispatcherCode code = assemble(text);
        int entry = code.label(0, Kind.ENTRY).offset();
        return code.explanations().getFirst().lines().stream()
                .filter(line -> line.offset() >= entry && line.length() > 0)
                .map(line -> line.text().replaceAll(" +", " "))
                .toList();
    }

    @Test
    void aRuleOnTheUserIsCompared_WhereTheKernelKeepsIt() throws Exception {
        DispatcherCode code = assemble("uid == 1000 ? 1 : 0");
        Label entry = code.label(0, Kind.ENTRY);
        byte[] bytes = Arrays.copyOfRange(code.code(), entry.offset(), entry.offset() + entry.size());
        assertThat(HexFormat.ofDelimiter(" ").formatHex(bytes))
                .isEqualTo(
                        "65 4c 8b 14 25 80 fb 01 00" // mov %gs:0x1fb80,%r10
                                + " 4d 8b 92 90 0b 00 00" // mov 0xb90(%r10),%r10
                                + " 41 81 7a 08 e8 03 00 00" // cmpl $0x3e8,0x8(%r10)
                                + " 75 09" // jne
                                + " 48 83 c4 08" // add $8,%rsp
                                + " e9 00 00 00 00" // jmp edition 1
                                + " e9 00 00 00 00"); // the return
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '@',
            value = {
                "1 @ to edition 1: 3",
                "0 @ to the original: 2",
                "uid == 1000 ? 1 : 0 @ to the original: 6; to edition 1: 7",
                "tgid == 12 ? 1 : 0 @ to the original: 5; to edition 1: 6",
                "cpu == 2 ? 1 : 0 @ to the original: 4; to edition 1: 5",
                "arg1 == 2 ? 1 : 0 @ to the original: 4; to edition 1: 5",
                "arg1 == 0 ? 1 : 0 @ to the original: 4; to edition 1: 5",
                "switch(\"on\") != 0 ? 1 : 0 @ to the original: 4; to edition 1: 5",
                "switch(\"on\") == 1 && uid == 1000 ? 1 : 0 @ to the original: 4 to 8; to edition 1: 9",
                "uid == 1 ? 1 : uid == 2 ? 2 : 0 @ to the original: 10; to edition 1: 7; to edition 2: 11",
                "(cpu & 1) == 0 ? 1 : 2 @ to edition 1: 5; to edition 2: 5",
            })
    void costsFewInstructions(String text, String ways) throws Exception {
        List<Way> found = assemble(text).explanations().getFirst().ways();
        assertThat(found.stream().map(Way::toString).collect(Collectors.joining("; ")))
                .isEqualTo(ways);
    }

    @Test
    void countingCostsTwoMore() throws Exception {
        Map<Integer, Long> counters = Map.of(0, 0x60ff_1234_5678L, 1, 0x60ff_1234_5680L);
        DispatcherCode code = Dispatchers.assemble(LAYOUT, List.of(request("uid == 1000 ? 1 : 0", counters)));
        assertThat(code.explanations().getFirst().ways()).containsExactly(new Way(0, 6, 6, 2), new Way(1, 7, 7, 2));
        assertThat(HexFormat.of().formatHex(code.code()))
                .contains("49ba80563412ff600000" + "6549ff02" + "4883c408e9")
                .contains("49ba78563412ff600000" + "6549ff02" + "e9");
    }

    @Test
    void comparesWhereThingsAre() throws Exception {
        assertThat(entry("arg1 < 5 ? 1 : 0")).startsWith("cmp $5, %esi", "jge 0x3e");
        assertThat(entry("arg4 < 5 ? 1 : 0")).startsWith("cmp $5, %r8d", "jae 0x3f");
        assertThat(entry("5 > arg2 ? 1 : 0")).startsWith("cmp $5, %dx");
        assertThat(entry("arg3 != 0 ? 1 : 0")).startsWith("test %cl, %cl", "je 0x3d");
        assertThat(entry("arg0 == arg5 ? 1 : 0")).contains("cmp %r9, %r10");
        assertThat(entry("arg0 == 0xffff888012345678 ? 1 : 0"))
                .startsWith("movabs $0xffff888012345678, %r10", "cmp %r10, %rdi");
        assertThat(entry("(arg1 & 0x40) != 0 ? 1 : 0")).startsWith("test $64, %esi", "je 0x41");
        assertThat(entry("switch(\"s\") > -3 ? 1 : 0")).startsWith("cmpq $-3, switch_s(%rip)");
        assertThat(entry("cpu > 2 ? 1 : 0")).startsWith("cmpl $2, %gs:0x199e0");
        assertThat(entry("uid > 0x80000000 ? 1 : 0")).contains("cmpl $2147483648, 0x8(%r10)", "jbe 0x53");
    }

    @Test
    void conditionsAreDecidedAsEarlyAsTheyCanBe() throws Exception {
        assertThat(entry("(arg1 == 1 || arg1 == 2) && arg4 != 3 ? 1 : 0"))
                .containsExactly(
                        "cmp $1, %esi",
                        "je 0x3a",
                        "cmp $2, %esi",
                        "jne 0x49",
                        "cmp $3, %r8d",
                        "je 0x49",
                        "add $8, %rsp",
                        "jmp edition_1",
                        "jmp __x86_return_thunk");
    }

    @Test
    void aComputedNumberIsReadOnce() throws Exception {
        assertThat(entry("switch(\"mode\")"))
                .filteredOn(line -> line.contains("switch_mode"))
                .containsExactly("mov switch_mode(%rip), %r10");
        assertThat(entry("arg3").stream().filter(line -> line.startsWith("cmp")))
                .containsExactly("cmp $1, %cl", "cmp $2, %cl", "cmp $3, %cl"); // a signed byte is never 200
    }

    @Test
    void twoRegistersSufficeForMost_AndTheStackForTheRest() throws Exception {
        assertThat(entry("(arg1 + cpu) * (arg2 - pid) == 5 ? 1 : 0").stream()
                        .filter(line -> line.matches("(push|pop).*")))
                .containsExactly("push %r10", "pop %r10");
        assertThat(entry("arg1 + cpu * 2 == 5 ? 1 : 0")).noneMatch(line -> line.startsWith("push"));
    }

    @Test
    void refersToWhatIsOutside() throws Exception {
        DispatcherCode code = assemble("switch(\"x\") == 1 ? 1 : 0");
        assertThat(code.references().stream().map(CodeReference::target))
                .containsExactly(
                        new CodeTarget.Marker(0),
                        new CodeTarget.Go(),
                        new CodeTarget.ReturnThunk(),
                        new CodeTarget.ReturnThunk(),
                        new CodeTarget.Marker(0),
                        new CodeTarget.SwitchWord("x"),
                        new CodeTarget.Edition(0, 1),
                        new CodeTarget.ReturnThunk());
        assertThat(code.references()).allSatisfy(reference -> {
            assertThat(Arrays.copyOfRange(code.code(), reference.offset(), reference.offset() + 4))
                    .containsOnly(0);
            boolean immediateFollows =
                    reference.target() instanceof CodeTarget.Go || reference.target() instanceof CodeTarget.SwitchWord;
            assertThat(reference.addend()).isEqualTo(immediateFollows ? -5 : -4);
        });
        assertThat(code.returnSites())
                .hasSize(3)
                .allSatisfy(site -> assertThat(code.code()[site]).isEqualTo((byte) 0xe9));
    }

    @Test
    void oldRoutesAreReachedBeforeTheSignal() throws Exception {
        Route route = RouteCompiler.compile("1", new RouteContext("f", EDITIONS, List.of()));
        DispatcherCode code = Dispatchers.assemble(
                LAYOUT, List.of(new DispatcherRequest(route, true), new DispatcherRequest(route, true)));
        assertThat(code.references().stream().map(CodeReference::target))
                .contains(new CodeTarget.Old(0), new CodeTarget.Old(1), new CodeTarget.Edition(1, 1));
        assertThat(code.returnSites()).hasSize(2); // marked calls
    }

    @Test
    void sharedEntriesFallIntoTheOthers() throws Exception {
        DispatcherCode code =
                Dispatchers.assemble(LAYOUT, List.of(request("uid == 5 ? 1 : 0", Map.of()), request("cpu", Map.of())));
        assertThat(code.labels().stream().map(Label::kind))
                .containsExactly(
                        Kind.FIRST_SHARED,
                        Kind.FIRST,
                        Kind.SHARED,
                        Kind.ENTRY,
                        Kind.FIRST_SHARED,
                        Kind.FIRST,
                        Kind.SHARED,
                        Kind.ENTRY);
        int end = 0;
        for (Label label : code.labels()) {
            assertThat(label.offset()).isEqualTo(end);
            end += label.size();
        }
        assertThat(end).isEqualTo(code.code().length);
        for (int function = 0; function < 2; function++) {
            assertThat(code.label(function, Kind.ENTRY).offset() % DispatcherCode.ALIGNMENT)
                    .isZero();
        }
    }

    @Test
    void explainsItself() throws Exception {
        assertThat(assemble("uid == 1000 ? 1 : 0").explanations().getFirst().text())
                .endsWith("""
                        entry:
                           30:  mov     %gs:0x1fb80, %r10                # current
                           39:  mov     0xb90(%r10), %r10                # current->cred
                           40:  cmpl    $1000, 0x8(%r10)                 # cred->uid
                           48:  jne     0x53                             # to original
                        edition 1:
                           4a:  add     $8, %rsp
                           4e:  jmp     edition_1                        # edition 1 of pipe_write
                        original:
                           53:  jmp     __x86_return_thunk               # return: the original
                        instructions per call:
                          to the original: 6
                          to edition 1: 7
                        """);
    }

    /** What objtool would say of the code: from every label, along every way. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void unwindHintsFollowTheStackPointer(long seed) throws Exception {
        Random random = new Random(seed);
        RandomRoute routes = new RandomRoute(
                random, List.of("arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "uid", "pid", "cpu", "switch(\"a\")"));
        boolean pushed = false;
        for (int round = 0; round < 300; round++) {
            String text = "(" + routes.condition(20).text() + ") ? "
                    + routes.number(10).text() + " : 1";
            DispatcherCode code;
            try {
                Map<Integer, Long> counters = random.nextBoolean() ? Map.of() : Map.of(0, 1L << 40, 2, 1L << 41);
                code = Dispatchers.assemble(LAYOUT, List.of(request(text, counters), request("arg0", counters)));
            } catch (RouteException _) {
                continue; // too long, or a constant that is no edition
            }
            Map<Integer, Instruction> instructions = new HashMap<>();
            for (Explanation explanation : code.explanations()) {
                for (Line line : explanation.lines()) {
                    if (line.length() > 0) {
                        Instruction instruction =
                                Decoder.shared().decode(code.code(), line.offset(), line.offset() + line.length());
                        assertThat(instruction.length()).as(line.toString()).isEqualTo(line.length());
                        instructions.put(line.offset(), instruction);
                    }
                }
            }
            assertThat(code.orc().getLast()).isEqualTo(new OrcHint(code.code().length, OrcHint.UNDEFINED));
            Map<Integer, Integer> depths = new HashMap<>();
            code.labels().forEach(label -> follow(code, instructions, label.offset(), 0, depths));
            assertThat(depths.keySet()).as("no dead code in %s", text).isEqualTo(instructions.keySet());
            depths.forEach((offset, depth) ->
                    assertThat(hint(code, offset)).as("at 0x%x", offset).isEqualTo(8 + 8 * depth));
            pushed |= depths.containsValue(1);
        }
        assertThat(pushed).isTrue();
    }

    private static void follow(
            DispatcherCode code,
            Map<Integer, Instruction> instructions,
            int at,
            int depth,
            Map<Integer, Integer> depths) {
        Integer known = depths.putIfAbsent(at, depth);
        if (known != null) {
            assertThat(known).as("at 0x%x", at).isEqualTo(depth);
            return;
        }
        Instruction instruction = instructions.get(at);
        if (instruction == null) {
            throw new AssertionError("no instruction begins at " + at);
        }
        assertThat(instruction.isCall() || instruction.isRet()).isFalse();
        int after = switch (instruction.mnemonic()) {
            case "push" -> depth + 1;
            case "pop" -> depth - 1;
            default -> depth;
        };
        assertThat(after).isNotNegative();
        boolean leaves = code.references().stream()
                .anyMatch(r -> r.target().isCode() && r.offset() == instruction.end() - 4 && instruction.isJump());
        if (leaves) {
            assertThat(depth).isZero();
            return;
        }
        if (instruction.isJump()) {
            int target = (int) instruction.branchTarget().orElseThrow(); // indirect ones have none
            follow(code, instructions, target, after, depths);
        }
        if (!instruction.isEndOfFlow()) {
            follow(code, instructions, instruction.end(), after, depths);
        }
    }

    /** As {@code __orc_find} looks it up: the last entry that is not beyond. */
    private static int hint(DispatcherCode code, int offset) {
        return code.orc().stream()
                .filter(hint -> hint.offset() <= offset)
                .reduce((_, later) -> later)
                .orElseThrow()
                .spOffset();
    }

    @Test
    void farJumpsAreLonger() throws Exception {
        String many = String.join("||", Collections.nCopies(12, "arg0==0x100000000"));
        List<Line> jumps = assemble(many + "?1:2").explanations().getFirst().lines().stream()
                .filter(line -> line.comment().equals("to decided"))
                .toList();
        assertThat(jumps.stream().map(Line::length)).containsExactly(6, 6, 6, 2, 2, 2, 2, 2, 2, 2, 2);
    }
}
