package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.elf.Readelf;
import io.kmolt.link.SimulatedKernel;
import io.kmolt.module.KernelModule;
import io.kmolt.x86.DecodeException;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A module's file as a kernel would lay it out.
 *
 * @param sections where each section is, by its index
 */
record LoadedImage(ElfObject elf, Map<Integer, Long> sections) {
    private static final int NAME_OFFSET = 24;

    static LoadedImage of(String name, byte[] bytes) {
        try {
            ElfObject elf = ElfObject.parse(name, bytes);
            return new LoadedImage(elf, SimulatedKernel.loadUpdate(elf));
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }

    /** The file is sound, and sysfs can have a file for each section ({@code add_sect_attrs()}, kernel/module/sysfs.c). */
    void isSound() throws IOException, InterruptedException {
        assertThat(Readelf.complaints(elf.bytes())).isEmpty();
        assertThat(elf.sections().stream().filter(ElfSection::isAlloc).map(ElfSection::name))
                .doesNotHaveDuplicates();
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc() && section.hasContent()) {
                byte[] content = elf.content(section);
                for (ElfRelocation relocation : elf.relocations(section.index())) {
                    int at = (int) relocation.offset();
                    assertThat(Arrays.copyOfRange(content, at, at + relocation.width()))
                            .as("where the loader writes, in %s at %d", section.name(), at)
                            .containsOnly(0);
                }
            }
        }
    }

    long address(String section) {
        return at(elf.section(section).orElseThrow().index());
    }

    long address(ElfSymbol symbol) {
        return symbol.isAbsolute() ? symbol.value() : at(symbol.shndx()) + symbol.value();
    }

    private long at(int section) {
        Long start = sections.get(section);
        if (start == null) {
            throw new AssertionError(elf.sections().get(section).name() + " is not loaded");
        }
        return start;
    }

    ElfSymbol symbol(String name) {
        return elf.symbols().stream()
                .filter(s -> s.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no symbol " + name));
    }

    String moduleName() {
        byte[] module = elf.content(elf.section(".gnu.linkonce.this_module").orElseThrow());
        return text(module, NAME_OFFSET);
    }

    /** Where the field of struct module leads that holds {@code function} in the core. */
    long atModuleField(String function, KernelModule core) {
        int index =
                core.elf().section(".gnu.linkonce.this_module").orElseThrow().index();
        long offset = core.elf().relocations(index).stream()
                .filter(r -> core.elf().symbols().get(r.symbol()).name().equals(function))
                .findFirst()
                .orElseThrow()
                .offset();
        ElfRelocation own = elf
                .relocations(
                        elf.section(".gnu.linkonce.this_module").orElseThrow().index())
                .stream()
                .filter(r -> r.offset() == offset)
                .findFirst()
                .orElseThrow();
        return SimulatedKernel.leadsTo(elf, sections, own);
    }

    /** A word of the descriptor. */
    long word(int offset) {
        ElfSection section = elf.section(".kmolt").orElseThrow();
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            if (relocation.offset() == offset) {
                return SimulatedKernel.leadsTo(elf, sections, relocation);
            }
        }
        return ByteBuffer.wrap(elf.content(section))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong(offset);
    }

    /** A text of the descriptor. */
    String text(int offset) {
        return text(elf.content(elf.section(".kmolt").orElseThrow()), offset);
    }

    private static String text(byte[] bytes, int offset) {
        int end = offset;
        while (bytes[end] != 0) {
            end++;
        }
        return new String(bytes, offset, end - offset, StandardCharsets.UTF_8);
    }

    private ElfSection sectionAt(long address) {
        return sections.entrySet().stream()
                .filter(e -> {
                    ElfSection section = elf.sections().get(e.getKey());
                    return address >= e.getValue() && address < e.getValue() + section.size();
                })
                .map(e -> elf.sections().get(e.getKey()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing at " + Long.toHexString(address)));
    }

    byte[] bytes(long address, int size) {
        ElfSection section = sectionAt(address);
        int offset = (int) (address - at(section.index()));
        return Arrays.copyOfRange(elf.content(section), offset, offset + size);
    }

    /** Instructions, each with where its relocation leads, or where it jumps: {@code SECTION+OFFSET}, import, address. */
    List<String> disassemble(long address, int most) {
        ElfSection section = sectionAt(address);
        byte[] code = elf.content(section);
        List<String> lines = new ArrayList<>();
        int at = (int) (address - at(section.index()));
        try {
            while (at < code.length && lines.size() < most) {
                Instruction instruction = Decoder.shared().decode(code, at, code.length);
                lines.add(instruction.mnemonic() + operand(section, instruction));
                at = instruction.end();
            }
        } catch (DecodeException e) {
            throw new AssertionError(e);
        }
        return lines;
    }

    private String operand(ElfSection section, Instruction instruction) {
        for (ElfRelocation relocation : elf.relocations(section.index())) {
            if (relocation.offset() < instruction.offset() || relocation.offset() >= instruction.end()) {
                continue;
            }
            ElfSymbol symbol = elf.symbols().get(relocation.symbol());
            long toEnd = relocation.isPcRelative() ? instruction.end() - relocation.offset() : 0;
            long offset = symbol.value() + relocation.addend() + toEnd;
            if (symbol.isUndefined()) {
                return " " + symbol.name();
            }
            return symbol.isAbsolute()
                    ? " " + Long.toHexString(offset)
                    : " " + elf.sections().get(symbol.shndx()).name() + "+" + offset;
        }
        return instruction.immRelative() ? " +" + instruction.imm() : "";
    }

    /** The places that unwind data describes, in its order. */
    List<Long> orcPlaces() {
        ElfSection section = elf.section(".orc_unwind_ip").orElseThrow();
        return elf.relocations(section.index()).stream()
                .map(relocation -> SimulatedKernel.leadsTo(elf, sections, relocation))
                .toList();
    }
}
