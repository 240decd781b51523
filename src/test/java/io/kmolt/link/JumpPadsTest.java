package io.kmolt.link;

import static io.kmolt.link.DescriptorTest.SLOTS;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.TinyModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tables that lead to functions through pads. */
class JumpPadsTest {
    private static final String SOURCE = """
            struct ops { int (*one)(int); int (*two)(int); int (*again)(int); int (*more)(int); };
            static int one(int x) { return import_a(x) + 5; }
            static int two(int x) { return import_b(x) * 6; }
            %s
            const struct ops ops = { one, two, one, %s };
            """;

    private static final long PAD_OF_TWO = 0xffff_ffff_c123_4004L;
    private static final long OPTIONAL_OR_PLAIN = 0;
    private static final long JUMP = 2;

    private static KernelModule before;
    private static KernelModule after;

    @BeforeAll
    static void compile() {
        before = TinyModule.compile(SOURCE.formatted("", "0"));
        after = TinyModule.compile(SOURCE.formatted("", "0").replace("* 6", "* 7"));
    }

    private static LinkedUpdate link(Pads pads) throws LinkException {
        return LinkedUpdate.link(before, after, pads);
    }

    private static long pad(LinkedUpdate update, String function) {
        ElfSymbol symbol = update.elf().symbols().stream()
                .filter(s -> s.name().equals("kmolt_pad.%x.%s".formatted(update.inBase(function), function)))
                .findFirst()
                .orElseThrow();
        return update.start(symbol.shndx()) + symbol.value();
    }

    @Test
    void tablesLeadToPadsAndTheirJumpsAreSlots() throws LinkException {
        LinkedUpdate update = link(new Pads(true, Map.of()));
        long one = pad(update, "one");
        long two = pad(update, "two");
        long table = update.inBase("ops");
        assertThat(update.array(SLOTS, 4))
                .containsExactly(
                        List.of(table, update.inBase("one"), one, OPTIONAL_OR_PLAIN),
                        List.of(table + 8, update.inBase("two"), two, OPTIONAL_OR_PLAIN),
                        List.of(table + 16, update.inBase("one"), one, OPTIONAL_OR_PLAIN),
                        List.of(one + 4, update.inBase("one"), update.inUpdate("one"), JUMP),
                        List.of(two + 4, update.inBase("two"), update.inUpdate("two"), JUMP));
        assertThat(update.update().slots()).isEqualTo(3);
    }

    @Test
    void aPadIsAnAlignedJumpToTheBaseBehindAnEndbr() throws LinkException {
        LinkedUpdate update = link(new Pads(true, Map.of()));
        ElfSection section = update.elf().section(".text.kmolt_pads").orElseThrow();
        ByteBuffer code = ByteBuffer.wrap(update.elf().content(section)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(section.addralign()).isEqualTo(16);
        assertThat(code.limit()).isEqualTo(32);
        assertThat(code.getLong(0)).isEqualTo(0xfa1e0ff3_ccccccccL);
        assertThat(code.getLong(8)).isEqualTo(0xcccccc_00000000_e9L);
        assertThat(pad(update, "one")).isEqualTo(update.start(section.index()) + 4);
        List<ElfRelocation> relocations = update.elf().relocations(section.index());
        assertThat(relocations).extracting(ElfRelocation::offset).containsExactly(9L, 25L);
        // Counted from the jump's end, 4 bytes on.
        assertThat(relocations)
                .extracting(r -> SimulatedKernel.leadsTo(update.elf(), update.sections(), r) + 4)
                .containsExactly(update.inBase("one"), update.inBase("two"));
    }

    @Test
    void whoBringsPadsStaysAndWhoFindsThemNeedNot() throws LinkException {
        LinkedUpdate first = link(new Pads(true, Map.of()));
        assertThat(first.update().sticky()).singleElement().asString().contains("2 jump pads");
        Map<Long, Long> pads = Map.of(first.inBase("one"), PAD_OF_TWO - 16, first.inBase("two"), PAD_OF_TWO);
        LinkedUpdate second = link(new Pads(true, pads));
        assertThat(second.update().sticky()).isEmpty();
        assertThat(second.elf().section(".text.kmolt_pads")).isEmpty();
        long table = second.inBase("ops");
        assertThat(second.array(SLOTS, 4))
                .containsExactly(
                        List.of(table, second.inBase("one"), PAD_OF_TWO - 16, OPTIONAL_OR_PLAIN),
                        List.of(table + 8, second.inBase("two"), PAD_OF_TWO, OPTIONAL_OR_PLAIN),
                        List.of(table + 16, second.inBase("one"), PAD_OF_TWO - 16, OPTIONAL_OR_PLAIN),
                        List.of(PAD_OF_TWO - 12, second.inBase("one"), second.inUpdate("one"), JUMP),
                        List.of(PAD_OF_TWO + 4, second.inBase("two"), second.inUpdate("two"), JUMP));
    }

    @Test
    void onlyPadsThatAreMissingAreAdded() throws LinkException {
        RunningModule running = SimulatedKernel.load(before);
        long two = running.address(before, before.item("two").orElseThrow()).orElseThrow();
        LinkedUpdate update = link(new Pads(true, Map.of(two, PAD_OF_TWO)));
        assertThat(update.update().sticky()).singleElement().asString().contains("1 jump pads");
        long one = pad(update, "one");
        assertThat(update.array(SLOTS, 4))
                .endsWith(
                        List.of(PAD_OF_TWO + 4, update.inBase("two"), update.inUpdate("two"), JUMP),
                        List.of(one + 4, update.inBase("one"), update.inUpdate("one"), JUMP));
    }

    @Test
    void aFunctionThatTheBaseDoesNotHaveGetsNoPad() throws LinkException {
        String added = "static int more(int x) { return import_a(x) * 9; }";
        LinkedUpdate update = LinkedUpdate.link(
                before, TinyModule.compile(SOURCE.formatted(added, "more")), new Pads(true, Map.of()));
        assertThat(update.array(SLOTS, 4))
                .contains(List.of(update.inBase("ops") + 24, 0L, update.inUpdate("more"), OPTIONAL_OR_PLAIN));
        assertThat(update.update().sticky()).anyMatch(why -> why.startsWith("tables name its functions"));
    }
}
