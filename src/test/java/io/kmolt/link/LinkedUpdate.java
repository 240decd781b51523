package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Types;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.TinyModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A new build linked onto a loaded one, and the update loaded: what a kernel would find in it. Whatever is linked here shows
 * that {@link TrialLink} knows beforehand what comes of it.
 *
 * @param base the loaded build
 * @param running where it is
 * @param edition the new build
 * @param update what was linked
 * @param elf its file
 * @param sections where each of its sections is
 */
record LinkedUpdate(
        KernelModule base,
        RunningModule running,
        KernelModule edition,
        Update update,
        ElfObject elf,
        Map<Integer, Long> sections) {
    static final String BOOT_ID = "01234567-89ab-cdef-0123-456789abcdef";

    /** Stands in for the core: only its struct module and its exports count. */
    private static final KernelModule CORE =
            TinyModule.compile("kmolt", List.of(), "int init_module(void) { return 0; } void cleanup_module(void) { }");

    static LinkedUpdate link(String before, String after) throws LinkException {
        return link(TinyModule.compile(before), TinyModule.compile(after));
    }

    static LinkedUpdate link(KernelModule base, KernelModule edition) throws LinkException {
        return link(base, edition, Held.NONE, Pads.NONE);
    }

    static LinkedUpdate link(KernelModule base, KernelModule edition, Held held) throws LinkException {
        return link(base, edition, held, Pads.NONE);
    }

    static LinkedUpdate link(KernelModule base, KernelModule edition, Pads pads) throws LinkException {
        return link(base, edition, Held.NONE, pads);
    }

    private static LinkedUpdate link(KernelModule base, KernelModule edition, Held held, Pads pads)
            throws LinkException {
        RunningModule running = SimulatedKernel.load(base);
        return link(base, edition, "", List.of(layer(running, base, edition, held)), pads);
    }

    /** Links the last of some builds on all others: the base, and editions {@code kmolt_tiny_1}, {@code kmolt_tiny_2}, … */
    static LinkedUpdate linkChain(List<KernelModule> builds) throws LinkException {
        KernelModule edition = builds.getLast();
        List<Layer> layers = new ArrayList<>();
        for (KernelModule build : builds.subList(0, builds.size() - 1)) {
            RunningModule running =
                    layers.isEmpty() ? SimulatedKernel.load(build) : SimulatedKernel.loadEdition(build, layers.size());
            layers.add(layer(running, build, edition, Held.NONE));
        }
        return link(builds.getFirst(), edition, layers.getLast().running().name(), layers, Pads.NONE);
    }

    private static Layer layer(RunningModule running, KernelModule build, KernelModule edition, Held held) {
        return new Layer(running, Comparer.compare(build, edition, Types.same()), Types.same(), held);
    }

    private static LinkedUpdate link(
            KernelModule base, KernelModule edition, String from, List<Layer> layers, Pads pads) throws LinkException {
        RunningModule running = layers.getFirst().running();
        boolean tried = layers.size() == 1
                && pads.equals(Pads.NONE)
                && layers.getFirst().held().equals(Held.NONE);
        List<Refusal> expected = tried
                ? TrialLink.judge(layers.getFirst().comparison(), Types.same()).refusals()
                : List.of();
        try {
            Update update =
                    Linker.link(new LinkInput("kmolt_tiny_9", BOOT_ID, from, edition, layers, List.of(), CORE, pads));
            assertThat(expected).as("what the files alone told against it").isEmpty();
            ElfObject elf = ElfObject.parse(update.name() + ".ko", update.image());
            return new LinkedUpdate(base, running, edition, update, elf, SimulatedKernel.loadUpdate(elf));
        } catch (LinkException e) {
            assertThat(!tried || expected.containsAll(e.refusals()))
                    .as("%s told by the files alone: %s", e.refusals(), expected)
                    .isTrue();
            throw e;
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }

    /** Where a function or object of the base is. */
    long inBase(String name) {
        return running.address(base, base.item(name).orElseThrow()).orElseThrow();
    }

    /** Where the update has its own copy. */
    long inUpdate(String name) {
        Item item = edition.item(name).orElseThrow();
        return start(item.section()) + item.offset();
    }

    /** Where a section of the update is. */
    long start(int section) {
        Long start = sections.get(section);
        if (start == null) {
            throw new AssertionError(elf.sections().get(section).name() + " is not loaded");
        }
        return start;
    }

    /** Where the change set is. */
    long descriptorAddress() {
        return start(elf.section(".kmolt").orElseThrow().index());
    }

    /** Where the relocations of a function lead, imports aside: symbol plus addend. */
    List<Long> targets(String function) {
        Item item = edition.item(function).orElseThrow();
        List<Long> targets = new ArrayList<>();
        for (ElfRelocation relocation : elf.relocations(item.section())) {
            boolean inside = relocation.offset() >= item.offset() && relocation.offset() < item.end();
            if (inside && !elf.symbols().get(relocation.symbol()).isUndefined()) {
                targets.add(SimulatedKernel.leadsTo(elf, sections, relocation));
            }
        }
        return targets;
    }

    /** The text at an address in the base's strings. */
    String textInBase(long address) {
        for (ElfSection section : base.elf().sections()) {
            long offset = address - running.address(base, section.index(), 0).orElse(0L);
            if (section.isAlloc() && offset >= 0 && offset < section.size()) {
                byte[] content = base.content(section.index());
                int end = (int) offset;
                while (content[end] != 0) {
                    end++;
                }
                return new String(content, (int) offset, end - (int) offset, StandardCharsets.ISO_8859_1);
            }
        }
        throw new AssertionError("%x is not in the base".formatted(address));
    }

    /** The change set, with its relocations applied. */
    ByteBuffer descriptor() {
        ElfSection section = elf.section(".kmolt").orElseThrow();
        ByteBuffer content = ByteBuffer.wrap(elf.content(section).clone()).order(ByteOrder.LITTLE_ENDIAN);
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            content.putLong((int) relocation.offset(), SimulatedKernel.leadsTo(elf, sections, relocation));
        }
        return content;
    }

    /** The imports that words of the change set hold, by offset. */
    Map<Long, String> importsOfDescriptor() {
        Map<Long, String> imports = new java.util.TreeMap<>();
        ElfSection section = elf.section(".kmolt").orElseThrow();
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            ElfSymbol symbol = elf.symbols().get(relocation.symbol());
            if (symbol.isUndefined()) {
                imports.put(relocation.offset(), symbol.name());
            }
        }
        return imports;
    }

    /** Offset in the change set of the way back to a build, counted from the base. */
    int way(int number) {
        return (int) (descriptor().getLong(DescriptorTest.WAYS) - descriptorAddress())
                + number * DescriptorTest.WAY_SIZE;
    }

    /** The redirects of the way back to what answers. */
    List<List<Long>> home() {
        return array(lastWay() + DescriptorTest.WAY_HOME, 2);
    }

    /** What must be empty to go back to what answers. */
    List<List<Long>> revertRanges() {
        return array(lastWay() + DescriptorTest.WAY_RANGES, 2);
    }

    private int lastWay() {
        return way((int) descriptor().getLong(DescriptorTest.WAYS + 8) - 1);
    }

    /** An array of the change set, row by row. */
    List<List<Long>> array(int pointer, int columns) {
        ByteBuffer content = descriptor();
        int at = (int) (content.getLong(pointer) - descriptorAddress());
        List<List<Long>> rows = new ArrayList<>();
        for (int i = 0; i < content.getLong(pointer + 8); i++) {
            List<Long> row = new ArrayList<>();
            for (int column = 0; column < columns; column++) {
                row.add(content.getLong(at + (i * columns + column) * 8));
            }
            rows.add(row);
        }
        return rows;
    }
}
