package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.diff.Refusal;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.lab.Fixtures;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import io.kmolt.module.TinyModule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever a linked update has the kernel call through a pointer begins with {@code ENDBR64} and is not sealed: slots, exits
 * and inits, and the functions of the base whose addresses its code takes. An emulated processor does not tell.
 *
 * <p>Targets of redirects are left out: ftrace's trampolines go there by a return, which is not tracked.
 */
class IndirectCallTest {
    private static final int SLOTS = 432;
    private static final int EXIT = 416;
    private static final int EXIT_STUB = 424;
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

    @ParameterizedTest
    @CsvSource({
        "minix, stock, plain",
        "minix, stock, a",
        "minix, a, b",
        "jbd2, stock, a",
        "ext4, stock, plain",
        "ext4, stock, a",
        "ext4, a, b"
    })
    void whatAnUpdateMakesKnownCanBeCalled(String module, String before, String after) throws Exception {
        LinkedUpdate linked =
                LinkedUpdate.link(KernelModule.read(file(module, before)), KernelModule.read(file(module, after)));
        Pads pads = new Pads(linked);
        List<String> wrong = new ArrayList<>();
        int slots = 0;
        for (List<Long> slot : linked.array(SLOTS, 4)) {
            if (pads.isCode(slot.get(2))) {
                slots++;
                pads.check("slot %x".formatted(slot.get(0)), slot.get(2), wrong);
            }
        }
        pads.check("exit", linked.descriptor().getLong(EXIT), wrong);
        pads.check("exit stub", linked.descriptor().getLong(EXIT_STUB), wrong);
        int own =
                linked.elf().section(".gnu.linkonce.this_module").orElseThrow().index();
        for (ElfRelocation stub : linked.elf().relocations(own)) {
            pads.check("init or exit", SimulatedKernel.leadsTo(linked.elf(), linked.sections(), stub), wrong);
        }
        for (long address : addressesTaken(linked)) {
            pads.check("taken by code", address, wrong);
        }
        assertThat(wrong).isEmpty();
        assertThat(slots).isPositive();
        assertThat(pads.sealed).as("some functions of the update are sealed").isNotEmpty();
    }

    private static Path file(String module, String variant) {
        return variant.equals("stock")
                ? Corpus.module(Corpus.NEWER, module)
                : Fixtures.module(Corpus.NEWER, module, variant);
    }

    /** Where code of the update takes an address of a function, after linking. */
    private static Set<Long> addressesTaken(LinkedUpdate linked) {
        Set<Long> taken = new HashSet<>();
        for (ElfSection section : linked.edition().elf().sections()) {
            if (linked.edition().kind(section.index()) != SectionKind.TEXT) {
                continue;
            }
            Map<Long, ElfRelocation> relocations = new HashMap<>();
            linked.elf().relocations(section.index()).forEach(r -> relocations.put(r.offset(), r));
            for (Reference reference : linked.edition().references(section.index())) {
                ElfRelocation relocation = relocations.get(reference.offset());
                if (relocation != null
                        && reference.use() == Reference.Use.ADDRESS
                        && reference.referent() instanceof Referent.InItem(Item item, long delta)
                        && item.function()
                        && item.kind() == SectionKind.TEXT
                        && delta == 0) {
                    int bias = relocation.isPcRelative() ? Integer.BYTES : 0;
                    taken.add(SimulatedKernel.leadsTo(linked.elf(), linked.sections(), relocation) + bias);
                }
            }
        }
        return taken;
    }

    /** Both modules in memory. */
    private static final class Pads {
        private final LoadedCode code;
        private final Set<Long> sealed = new HashSet<>();

        Pads(LinkedUpdate linked) {
            this.code = LoadedCode.of(linked);
            seal(linked.elf(), linked.sections());
            seal(linked.base().elf(), LoadedCode.baseSections(linked));
        }

        private void seal(ElfObject elf, Map<Integer, Long> sections) {
            elf.section(".ibt_endbr_seal").ifPresent(section -> {
                for (ElfRelocation relocation : elf.relocations(section.index())) {
                    ElfSymbol symbol = elf.symbols().get(relocation.symbol());
                    if (!symbol.isUndefined()) {
                        sealed.add(SimulatedKernel.leadsTo(elf, sections, relocation));
                    }
                }
            });
        }

        boolean isCode(long address) {
            return code.at(address, Integer.BYTES).isPresent();
        }

        void check(String what, long address, List<String> wrong) {
            boolean lands = code.at(address, Integer.BYTES)
                    .filter(bytes -> Arrays.equals(bytes, ENDBR64))
                    .isPresent();
            if (!lands || sealed.contains(address)) {
                wrong.add("%s leads to %x, %s"
                        .formatted(what, address, sealed.contains(address) ? "sealed" : "no ENDBR64"));
            }
        }
    }

    // What a distribution's modules do not do.

    private static final List<String> IBT = List.of("-fcf-protection=branch");
    private static final String AROUND = """
            void (*chosen)(int);
            static noinline void work(int n) { printk("%%d", n); }
            int init_module(void) { return 0; }
            void cleanup_module(void) { }
            int run(int n) { work(n); %s return n; }
            int (*runner)(int) = run;
            """;

    @Test
    void anAddressThatOnlyTheNewBuildTakesIsThatOfItsOwnCopy() throws Exception {
        String before = AROUND.formatted("");
        String after = AROUND.formatted("chosen = work;");
        LinkedUpdate tracked =
                LinkedUpdate.link(TinyModule.compile("tiny", IBT, before), TinyModule.compile("tiny", IBT, after));
        assertThat(addressesTaken(tracked)).containsExactly(tracked.inUpdate("work"));
        assertThat(tracked.update().sticky()).anyMatch(why -> why.contains("takes the address of work"));

        LinkedUpdate untracked = LinkedUpdate.link(before, after);
        assertThat(addressesTaken(untracked)).containsExactly(untracked.inBase("work"));
    }

    @Test
    void anAddressThatBothBuildsTakeIsTheBases() throws Exception {
        String both = AROUND.formatted("chosen = work;");
        LinkedUpdate linked = LinkedUpdate.link(
                TinyModule.compile("tiny", IBT, both),
                TinyModule.compile("tiny", IBT, both.replace("\"%d\"", "\"%x\"")));
        assertThat(addressesTaken(linked)).containsExactly(linked.inBase("work"));
    }

    @Test
    void aBuildWithoutLandingPadsIsRefusedWhereTheLoadedOneHasThem() {
        String text = AROUND.formatted("");
        LinkException no = catchThrowableOfType(
                LinkException.class,
                () -> LinkedUpdate.link(TinyModule.compile("tiny", IBT, text), TinyModule.compile(text)));
        assertThat(no.refusals()).extracting(Refusal::kind).contains(Refusal.Kind.INDIRECT_CALL);
    }
}
