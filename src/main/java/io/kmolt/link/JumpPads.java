package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.module.Item;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Pads that tables lead to in place of functions, so that an address that somebody copied out of a table leads to whoever
 * answers, and the edition whose function it was can be unloaded.
 *
 * <p>A pad stands for a function of the base, for as long as the base is loaded, and is where the first edition that
 * needed it has put it. It never touches the stack, and jumps directly, so that nothing has to be mitigated:
 *
 * <pre>
 *    +0  int3 (4)
 *    +4  endbr64          what tables hold
 *    +8  jmp  rel32       a word that the core writes at once; the base's function as long as nobody says otherwise
 *   +13  int3 (3)
 * </pre>
 *
 * <p>A function that the base does not have, or that is called in another way there, gets none: while the base answers,
 * nothing could stand in for it.
 */
final class JumpPads {
    private static final int CELL = 16;
    private static final int ENTRY = 4;
    private static final int WORD = 8;
    private static final int JUMP_SIZE = 5;
    private static final byte INT3 = (byte) 0xcc;
    private static final byte JMP_REL32 = (byte) 0xe9;
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

    /**
     * The jump of a pad.
     *
     * @param symbol what {@code offset} is counted from; 0 for an address
     * @param offset of the word
     * @param base where it leads while the base answers
     * @param target the function that it leads to while the new build does
     */
    record Jump(int symbol, long offset, long base, Item target) {}

    private final LinkInput input;
    private final Redirects redirects;
    private final ElfEditor editor;
    private final Map<Long, Item> targets = new HashMap<>();
    private final List<Jump> loaded = new ArrayList<>();
    private final List<Jump> own = new ArrayList<>();
    private final Map<Long, Integer> symbols = new HashMap<>();

    /**
     * Looks which pads there are and where they can lead.
     *
     * @param redirects of the base
     */
    JumpPads(LinkInput input, Redirects redirects, ElfEditor editor) {
        this.input = input;
        this.redirects = redirects;
        this.editor = editor;
        for (Item old : input.base().comparison().oldModule().functions()) {
            Item target = redirects.standIn(old);
            if (target != null) {
                targets.put(input.base().address(old), target);
            }
        }
        input.pads().loaded().forEach((base, pad) -> {
            Item target = targets.get(base);
            if (target != null) {
                loaded.add(new Jump(0, pad - ENTRY + WORD, base, target));
            }
        });
        loaded.sort(Comparator.comparingLong(Jump::offset));
    }

    /** Lets slots lead to pads, where that is wanted and possible. */
    List<Slot> lead(List<Slot> slots) {
        return input.pads().wanted() ? slots.stream().map(this::lead).toList() : slots;
    }

    private Slot lead(Slot slot) {
        Item old = padded(slot.reference());
        if (old == null) {
            return slot;
        }
        long base = input.base().address(old);
        Long pad = input.pads().loaded().get(base);
        return pad != null ? slot.leadingTo(0, pad) : slot.leadingTo(symbol(old), 0);
    }

    /** The function of the base that a table goes on to mean; null if it is none, or a pad cannot stand for it. */
    private @Nullable Item padded(@Nullable Reference reference) {
        if (reference == null
                || !(reference.referent() instanceof Referent.InItem(Item item, long delta))
                || delta != 0
                || !item.function()) {
            return null;
        }
        Comparison comparison = input.base().comparison();
        Item old = comparison.correlation().oldOf(item);
        return old != null && item.equals(redirects.standIn(old)) ? old : null;
    }

    /** A new pad, or the one that another table leads to already. */
    private int symbol(Item old) {
        long base = input.base().address(old);
        Integer known = symbols.get(base);
        Item target = targets.get(base);
        if (known != null || target == null) {
            return known == null ? 0 : known;
        }
        int symbol = editor.addSymbol(
                "%s%x.%s".formatted(Pads.SYMBOL, base, old.name()),
                Elf.STB_LOCAL,
                Elf.STT_FUNC,
                section(),
                own.size() * CELL + ENTRY,
                WORD - ENTRY + JUMP_SIZE);
        own.add(new Jump(symbol, WORD - ENTRY, base, target));
        symbols.put(base, symbol);
        return symbol;
    }

    private OptionalInt section = OptionalInt.empty();

    private int section() {
        if (section.isEmpty()) {
            section = OptionalInt.of(editor.addSection(
                    ".text.kmolt_pads", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, CELL, new byte[0]));
        }
        return section.getAsInt();
    }

    /** How many pads the update brings. */
    int added() {
        return own.size();
    }

    /** The jumps in the order that the core wants: of other updates by their address, then the update's own. */
    List<Jump> jumps() {
        List<Jump> jumps = new ArrayList<>(loaded);
        jumps.addAll(own);
        return jumps;
    }

    /** Writes the code of new pads, with unwind data: whoever stands at a pad has just been called. */
    void finish(ElfObject file) {
        if (own.isEmpty()) {
            return;
        }
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        List<ElfRelocation> relocations = new ArrayList<>();
        for (Jump jump : own) {
            fill(code, ENTRY);
            code.writeBytes(ENDBR64);
            code.write(JMP_REL32);
            int base = editor.addSymbol(
                    "kmolt.%x".formatted(jump.base()), Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, jump.base(), 0);
            relocations.add(new ElfRelocation(code.size(), Elf.R_X86_64_PC32, base, -Integer.BYTES));
            code.writeBytes(new byte[Integer.BYTES]);
            fill(code, CELL - WORD - JUMP_SIZE);
        }
        editor.setContent(section(), code.toByteArray());
        editor.setRelocations(section(), relocations);
        OrcTable orc = new OrcTable(file, editor);
        int start = editor.addSymbol("kmolt_pads", Elf.STB_LOCAL, Elf.STT_NOTYPE, section(), 0, 0);
        orc.add(start, 0, OptionalInt.of(OrcTable.CALLED));
        orc.add(start, code.size(), OptionalInt.empty());
        orc.finish();
    }

    private static void fill(ByteArrayOutputStream code, int bytes) {
        for (int i = 0; i < bytes; i++) {
            code.write(INT3);
        }
    }
}
