package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Types;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.RunningModule;
import io.kmolt.module.SectionKind;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Links builds onto themselves. Then every reference of the new code must lead where the same one of the loaded code
 * does, if it is to data, and to the new code's own copy if it is a call: an oracle for each of millions of references.
 */
class IdentityLinkTest {

    @Test
    void aBuildLinkedOntoItselfRefersToTheSameData() throws Exception {
        for (String name : List.of("minix", "jbd2", "ext4", "xfs", "nfs", "kvm", "nozomi")) {
            assertThat(check(Corpus.module(Corpus.BOOKWORM, name))).as(name).isEmpty();
        }
    }

    /** Every eighth module in the usual run; all of them with -Dcorpus=all. */
    @Test
    @Tag("corpus")
    void everyModuleOfTheDistributionLinksOntoItself() {
        Queue<String> wrong = new ConcurrentLinkedQueue<>();
        AtomicInteger linked = new AtomicInteger();
        Map<String, Integer> refused = new TreeMap<>();
        sample(Corpus.modules(Corpus.BOOKWORM)).parallelStream().forEach(path -> {
            try {
                wrong.addAll(check(path));
                linked.incrementAndGet();
            } catch (LinkException e) {
                synchronized (refused) {
                    refused.merge(e.refusals().getFirst().kind() + "", 1, Integer::sum);
                }
                System.out.println(
                        "refused " + path.getFileName() + " " + e.refusals().getFirst());
            } catch (Exception e) {
                wrong.add(path.getFileName() + ": " + e);
            }
        });
        System.out.println("linked " + linked + ", refused " + refused);
        assertThat(wrong).isEmpty();
        assertThat(refused.values().stream().mapToInt(i -> i).sum()).isLessThan(linked.get() / 100 + 1);
    }

    private static List<Path> sample(List<Path> modules) {
        int step = System.getProperty("corpus", "").equals("all") ? 1 : 8;
        return IntStream.range(0, modules.size())
                .filter(i -> i % step == 0)
                .mapToObj(modules::get)
                .toList();
    }

    private static List<String> check(Path path) throws Exception {
        KernelModule module = KernelModule.read(path);
        RunningModule running = SimulatedKernel.load(module);
        Update update = link(module, running);
        return new Check(module, running, ElfObject.parse("update", update.image())).run();
    }

    private static Update link(KernelModule module, RunningModule running)
            throws LinkException, ElfException, Exception {
        KernelModule core = KernelModule.read(Corpus.module(Corpus.BOOKWORM, "minix"));
        Layer layer = new Layer(running, Comparer.compare(module, module, Types.same()), Types.same());
        return Linker.link(new LinkInput(
                "kmolt_test_0", "00000000-0000-0000-0000-000000000000", "", module, List.of(layer), core));
    }

    private static final class Check {
        private final KernelModule module;
        private final RunningModule running;
        private final ElfObject update;
        private final Map<Integer, Long> sections;
        private final List<String> wrong = new java.util.ArrayList<>();

        Check(KernelModule module, RunningModule running, ElfObject update) {
            this.module = module;
            this.running = running;
            this.update = update;
            this.sections = SimulatedKernel.loadUpdate(update);
        }

        List<String> run() {
            for (ElfSection section : module.elf().sections()) {
                SectionKind kind = module.kind(section.index());
                if (kind == SectionKind.TEXT || kind == SectionKind.EXIT_TEXT) {
                    checkSection(section);
                }
            }
            return wrong.stream().limit(5).toList();
        }

        private void checkSection(ElfSection section) {
            Map<Long, Reference> references = new HashMap<>();
            module.references(section.index()).forEach(r -> references.put(r.offset(), r));
            List<ElfRelocation> before = module.elf().relocations(section.index());
            List<ElfRelocation> after = update.relocations(section.index());
            assertThat(after).hasSameSizeAs(before);
            for (int i = 0; i < before.size(); i++) {
                if (before.get(i).type() == Elf.R_X86_64_NONE) {
                    continue;
                }
                checkReference(
                        section,
                        java.util.Objects.requireNonNull(
                                references.get(before.get(i).offset())),
                        before.get(i),
                        after.get(i));
            }
        }

        private void checkReference(
                ElfSection section, Reference reference, ElfRelocation before, ElfRelocation after) {
            assertThat(after.offset()).isEqualTo(before.offset());
            if (reference.referent() instanceof Referent.Import(String name)) {
                ElfSymbol symbol = update.symbols().get(after.symbol());
                expect(symbol.isUndefined() && symbol.name().equals(name), section, reference, "is another import");
                return;
            }
            long inBase = leadsToInBase(before);
            long inUpdate = SimulatedKernel.leadsTo(update, sections, after);
            switch (reference.referent()) {
                case Referent.InItem(Item item, long delta)
                when item.function() -> checkFunction(section, reference, item, inBase, inUpdate, before);
                case Referent.InItem(Item item, long delta)
                when item.kind().isData() || item.kind() == SectionKind.THIS_MODULE ->
                    expect(inUpdate == inBase || item.size() == 0, section, reference, "leads to another object");
                case Referent.Literal literal ->
                    expect(
                            inUpdate == inBase || sameText(literal, before, inUpdate),
                            section,
                            reference,
                            "leads to another string");
                default ->
                    expect(
                            inUpdate == inBase || inUpdate == inBase + shift(before),
                            section,
                            reference,
                            "leads elsewhere");
            }
        }

        private void checkFunction(
                ElfSection section, Reference reference, Item item, long inBase, long inUpdate, ElfRelocation before) {
            boolean staticCall = item.kind() == SectionKind.STATIC_CALL_TEXT;
            boolean taken = reference.use() == Reference.Use.ADDRESS
                    && ((Referent.InItem) reference.referent()).delta() == 0
                    && item.kind() == SectionKind.TEXT;
            long expected = staticCall || taken ? inBase : inBase + shift(before);
            expect(inUpdate == expected, section, reference, "leads to another function");
        }

        private long leadsToInBase(ElfRelocation relocation) {
            ElfSymbol symbol = module.elf().symbols().get(relocation.symbol());
            if (symbol.isAbsolute()) {
                return symbol.value() + relocation.addend();
            }
            Item item = module.in(symbol.shndx()).stream()
                    .filter(i -> module.kind(symbol.shndx()) == SectionKind.PERCPU)
                    .findFirst()
                    .orElse(null);
            if (item != null) {
                return running.address(module, item).orElseThrow()
                        - item.offset()
                        + symbol.value()
                        + relocation.addend();
            }
            return running.address(module, symbol.shndx(), symbol.value()).orElse(0L) + relocation.addend();
        }

        /** How far the section that a relocation leads to lies from the base's. */
        private long shift(ElfRelocation relocation) {
            ElfSymbol symbol = module.elf().symbols().get(relocation.symbol());
            return sections.getOrDefault(symbol.shndx(), 0L)
                    - running.address(module, symbol.shndx(), 0).orElse(0L);
        }

        private boolean sameText(Referent.Literal literal, ElfRelocation before, long inUpdate) {
            ElfSymbol symbol = module.elf().symbols().get(before.symbol());
            long bias = literal.offset() - symbol.value() - before.addend();
            long address = inUpdate + bias;
            for (ElfSection section : module.elf().sections()) {
                if (module.kind(section.index()) == SectionKind.STRINGS) {
                    long offset = address
                            - running.address(module, section.index(), 0).orElse(0L);
                    byte[] content = module.content(section.index());
                    int length = literal.text().length();
                    if (offset >= 0 && offset + length < content.length) {
                        return content[(int) offset + length] == 0
                                && new String(
                                                content,
                                                (int) offset,
                                                length,
                                                java.nio.charset.StandardCharsets.ISO_8859_1)
                                        .equals(literal.text());
                    }
                }
            }
            return false;
        }

        private void expect(boolean ok, ElfSection section, Reference reference, String problem) {
            if (!ok) {
                wrong.add("%s: %s+0x%x: %s %s"
                        .formatted(module.name(), section.name(), reference.offset(), problem, reference.referent()));
            }
        }
    }
}
