package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;

/**
 * Writes the {@code .kmolt} section: {@code struct kmolt_update} and its arrays, as {@code kernel/kmolt_abi.h} lays them
 * out and {@code docs/abi.md} explains.
 */
public final class Descriptor {
    /** The core's {@code KMOLT_ABI} that updates are made for. */
    public static final int ABI = 5;

    private static final long MAGIC = 0x0a746c6f6d6bL;
    private static final int STRUCT_SIZE = 528;
    private static final int SLOT_SIZE = 32;
    private static final int REDIRECT_SIZE = 16;
    private static final int RANGE_SIZE = 16;
    private static final int WAY_SIZE = 104;
    private static final int NAME_LEN = 64;
    private static final int BUILD_ID_LEN = 20;
    private static final int NOTE_HEADER_SIZE = 16;
    private static final long SLOT_OPTIONAL = 1;
    private static final long SLOT_JUMP = 2;
    private static final long UPDATE_STICKY = 1;
    private static final long WAY_USED = 1;

    /** As the loader lays code out: section by section in the file's order, except that init code does not count. */
    private static final Comparator<Item> BY_ADDRESS =
            Comparator.comparingInt(Item::section).thenComparingLong(Item::offset);

    private final ElfEditor editor;
    private final Map<String, Integer> imports = new HashMap<>();
    private final DescriptorWriter out;

    /** Reserves the section, so that other code can refer to it. */
    Descriptor(ElfEditor editor) {
        this.editor = editor;
        this.out = new DescriptorWriter(editor, "kmolt_update", STRUCT_SIZE);
    }

    int symbol() {
        return out.symbol();
    }

    /**
     * Fills the section.
     *
     * @param jumps of pads, in order
     * @param blocking ranges of addresses in the kernel that must be empty to commit: start and end
     * @param ways back to the builds that are in the kernel, the base first
     * @param sticky whether it must not be freed before its base is
     * @param hooks to be called: what prepares and what takes it back; empty if neither is
     */
    void write(
            LinkInput input,
            List<Slot> slots,
            List<JumpPads.Jump> jumps,
            SortedMap<Long, Item> redirects,
            List<long[]> blocking,
            List<Way> ways,
            boolean sticky,
            List<Item> hooks,
            Rewriter rewriter,
            Stubs stubs) {
        int slotsAt = STRUCT_SIZE;
        int redirectsAt = slotsAt + (slots.size() + jumps.size()) * SLOT_SIZE;
        int commitAt = redirectsAt + redirects.size() * REDIRECT_SIZE;
        int reckonedAt = commitAt + blocking.size() * RANGE_SIZE;
        List<Long> reckoned = reckoned(input);
        int waysAt = reckonedAt + reckoned.size() * Long.BYTES;
        writeHeader(input, sticky);
        writeExits(input.edition(), stubs);
        out.array(slotsAt, slots.size() + jumps.size());
        out.array(redirectsAt, redirects.size());
        out.array(waysAt, ways.size());
        out.array(commitAt, blocking.size());
        if (hooks.isEmpty()) {
            out.u64(0).u64(0);
        }
        hooks.forEach(hook -> out.address(hook.symbol(), 0));
        out.array(reckonedAt, reckoned.size());
        for (Slot slot : slots) {
            writeSlot(slot, rewriter);
        }
        jumps.forEach(this::writeJump);
        for (Map.Entry<Long, Item> redirect : redirects.entrySet()) {
            out.u64(redirect.getKey());
            out.address(redirect.getValue().symbol(), 0);
        }
        for (long[] range : blocking) {
            out.u64(range[0]).u64(range[1]);
        }
        reckoned.forEach(out::u64);
        writeWays(ways, waysAt + ways.size() * WAY_SIZE);
        out.finish();
    }

    /** The editions whose functions that must be empty are among the ranges. */
    private static List<Long> reckoned(LinkInput input) {
        return Stream.concat(input.layers().stream().skip(1), input.reverted().stream())
                .map(layer -> layer.running().load())
                .toList();
    }

    /** The ways themselves, then redirects and ranges of each. */
    private void writeWays(List<Way> ways, int arraysAt) {
        int at = arraysAt;
        for (Way way : ways) {
            int rangesAt = at + way.home().size() * REDIRECT_SIZE;
            out.text(way.name(), NAME_LEN).u64(way.used() ? WAY_USED : 0);
            out.array(at, way.home().size());
            out.array(rangesAt, way.reverting().size());
            at = rangesAt + way.reverting().size() * RANGE_SIZE;
        }
        for (Way way : ways) {
            for (Redirects.Home back : inOrderOfAddress(way.home())) {
                out.address(back.function().symbol(), back.site());
                out.u64(back.target());
            }
            for (Item function : way.reverting().stream().sorted(BY_ADDRESS).toList()) {
                out.address(function.symbol(), 0);
                out.address(function.symbol(), function.size());
            }
        }
    }

    private static List<Redirects.Home> inOrderOfAddress(List<Redirects.Home> home) {
        return home.stream()
                .sorted(Comparator.comparing(Redirects.Home::function, BY_ADDRESS))
                .toList();
    }

    private void writeHeader(LinkInput input, boolean sticky) {
        Layer base = input.base();
        KernelModule baseFile = base.comparison().oldModule();
        int note = baseFile.elf().section(".note.gnu.build-id").orElseThrow().index();
        out.u64(MAGIC).u32(ABI).u32(STRUCT_SIZE).u64(sticky ? UPDATE_STICKY : 0);
        out.text(input.bootId(), NAME_LEN);
        out.text(base.running().name(), NAME_LEN);
        out.text(input.from(), NAME_LEN);
        out.u64(base.running().address()).u64(base.running().size());
        out.u64(base.running().load());
        out.u64(base.address(note, NOTE_HEADER_SIZE));
        out.bytes(Arrays.copyOf(baseFile.elf().buildId().orElseThrow(), BUILD_ID_LEN));
        out.bytes(Arrays.copyOf(input.edition().elf().buildId().orElse(new byte[0]), BUILD_ID_LEN));
        // The core takes what can be read on one line.
        out.text(input.edition().info("version").replaceAll("[^ -~]", "?"), NAME_LEN);
        out.text(input.edition().info("srcversion"), NAME_LEN);
    }

    private void writeExits(KernelModule edition, Stubs stubs) {
        Item exit = edition.item("cleanup_module").orElse(null);
        if (exit == null) {
            out.u64(0);
        } else {
            out.address(exit.symbol(), 0);
        }
        out.address(stubs.baseExit(), 0);
    }

    private void writeSlot(Slot slot, Rewriter rewriter) {
        out.u64(slot.address());
        if (slot.baseImport().isEmpty()) {
            out.u64(slot.base());
        } else {
            out.address(importSymbol(slot.baseImport()), slot.base());
        }
        Reference reference = slot.reference();
        if (slot.pad() != 0) {
            out.address(slot.pad(), 0);
        } else if (reference == null || reference.relocation() == null) {
            out.u64(slot.value());
        } else {
            out.relocated(rewriter.forSlot(out.position(), reference, reference.relocation()));
        }
        out.u64(slot.optional() ? SLOT_OPTIONAL : 0);
    }

    private void writeJump(JumpPads.Jump jump) {
        if (jump.symbol() == 0) {
            out.u64(jump.offset());
        } else {
            out.address(jump.symbol(), jump.offset());
        }
        out.u64(jump.base());
        out.address(jump.target().symbol(), 0);
        out.u64(SLOT_JUMP);
    }

    private int importSymbol(String name) {
        return imports.computeIfAbsent(
                name, n -> editor.addSymbol(n, Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0));
    }
}
