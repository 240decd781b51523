package io.kmolt.link;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.SectionKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * Writes the {@code .kmolt} section: {@code struct kmolt_update} and its arrays, as {@code kernel/kmolt_abi.h} lays them
 * out and {@code docs/abi.md} explains.
 */
public final class Descriptor {
    /** The core's {@code KMOLT_ABI} that updates are made for. */
    public static final int ABI = 2;

    private static final long MAGIC = 0x0a746c6f6d6bL;
    private static final int STRUCT_SIZE = 512;
    private static final int NAME_LEN = 64;
    private static final int BUILD_ID_LEN = 20;
    private static final int NOTE_HEADER_SIZE = 16;
    private static final long SLOT_OPTIONAL = 1;
    private static final long UPDATE_STICKY = 1;

    /** As the loader lays code out: section by section in the file's order, except that init code does not count. */
    private static final Comparator<Item> BY_ADDRESS =
            Comparator.comparingInt(Item::section).thenComparingLong(Item::offset);

    private final ElfEditor editor;
    private final List<ElfRelocation> relocations = new ArrayList<>();
    private final Map<String, Integer> imports = new HashMap<>();
    private final int symbol;
    private final int section;
    private ByteBuffer out = ByteBuffer.allocate(0);

    /** Reserves the section, so that other code can refer to it. */
    Descriptor(ElfEditor editor) {
        this.editor = editor;
        this.section = editor.addSection(".kmolt", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 8, new byte[STRUCT_SIZE]);
        this.symbol = editor.addSymbol("kmolt_update", Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, STRUCT_SIZE);
    }

    int symbol() {
        return symbol;
    }

    /**
     * Fills the section.
     *
     * @param home redirects back to the build that answers now
     * @param blocking ranges of addresses in the kernel that must be empty to commit: start and end
     * @param sticky whether it must not be freed before its base is
     * @param reverting functions of the new build that must be empty to revert
     */
    void write(
            LinkInput input,
            List<Slot> slots,
            SortedMap<Long, Item> redirects,
            List<Redirects.Home> home,
            List<long[]> blocking,
            Collection<Item> reverting,
            boolean sticky,
            Rewriter rewriter,
            Stubs stubs) {
        int slotsAt = STRUCT_SIZE;
        int redirectsAt = slotsAt + slots.size() * 32;
        int homeAt = redirectsAt + redirects.size() * 16;
        int commitAt = homeAt + home.size() * 16;
        int revertAt = commitAt + blocking.size() * 16;
        out = ByteBuffer.allocate(revertAt + reverting.size() * 16).order(ByteOrder.LITTLE_ENDIAN);
        writeHeader(input, sticky);
        writeExits(input.edition(), stubs);
        writeArray(slotsAt, slots.size());
        writeArray(redirectsAt, redirects.size());
        writeArray(homeAt, home.size());
        writeArray(commitAt, blocking.size());
        writeArray(revertAt, reverting.size());
        for (Slot slot : slots) {
            writeSlot(slot, rewriter);
        }
        for (Map.Entry<Long, Item> redirect : redirects.entrySet()) {
            out.putLong(redirect.getKey());
            writeAddress(redirect.getValue().symbol(), 0);
        }
        for (Redirects.Home back : inOrderOfAddress(home)) {
            writeAddress(back.function().symbol(), back.site());
            out.putLong(back.target());
        }
        for (long[] range : blocking) {
            out.putLong(range[0]).putLong(range[1]);
        }
        for (Item function : reverting.stream().sorted(BY_ADDRESS).toList()) {
            writeAddress(function.symbol(), 0);
            writeAddress(function.symbol(), function.size());
        }
        editor.setContent(section, out.array());
        editor.setRelocations(section, relocations);
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
        out.putLong(MAGIC).putInt(ABI).putInt(STRUCT_SIZE).putLong(sticky ? UPDATE_STICKY : 0);
        writeText(input.bootId(), NAME_LEN);
        writeText(base.running().name(), NAME_LEN);
        writeText(input.from(), NAME_LEN);
        out.putLong(base.running().address()).putLong(base.running().size());
        out.putLong(perCpuBase(base));
        out.putLong(base.address(note, NOTE_HEADER_SIZE));
        out.put(baseFile.elf().buildId().orElseThrow(), 0, BUILD_ID_LEN);
        out.put(input.edition().elf().buildId().orElse(new byte[BUILD_ID_LEN]), 0, BUILD_ID_LEN);
        writeText(input.edition().info("version"), NAME_LEN);
        writeText(input.edition().info("srcversion"), NAME_LEN);
    }

    /** Where the base's per-CPU area begins; 0 if nothing is known of it. */
    private static long perCpuBase(Layer base) {
        for (Item item : base.comparison().oldModule().objects()) {
            Long address = base.running().perCpuSymbols().get(item.name());
            if (address != null && item.kind() == SectionKind.PERCPU) {
                return address - item.offset();
            }
        }
        return 0;
    }

    private void writeExits(KernelModule edition, Stubs stubs) {
        Item exit = edition.item("cleanup_module").orElse(null);
        if (exit == null) {
            out.putLong(0);
        } else {
            writeAddress(exit.symbol(), 0);
        }
        writeAddress(stubs.baseExit(), 0);
    }

    private void writeArray(int at, int count) {
        writeAddress(symbol, at);
        out.putLong(count);
    }

    private void writeSlot(Slot slot, Rewriter rewriter) {
        out.putLong(slot.address());
        if (slot.baseImport().isEmpty()) {
            out.putLong(slot.base());
        } else {
            writeAddress(importSymbol(slot.baseImport()), slot.base());
        }
        Reference reference = slot.reference();
        if (reference == null || reference.relocation() == null) {
            out.putLong(slot.value());
        } else {
            relocations.add(rewriter.forSlot(out.position(), reference, reference.relocation()));
            out.putLong(0);
        }
        out.putLong(slot.optional() ? SLOT_OPTIONAL : 0);
    }

    private int importSymbol(String name) {
        return imports.computeIfAbsent(
                name, n -> editor.addSymbol(n, Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0));
    }

    private void writeAddress(int of, long addend) {
        relocations.add(new ElfRelocation(out.position(), Elf.R_X86_64_64, of, addend));
        out.putLong(0);
    }

    /** Cut to fit, with a NUL at its end. */
    private void writeText(String text, int size) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, size - 1);
        out.put(bytes, 0, length).put(new byte[size - length]);
    }
}
