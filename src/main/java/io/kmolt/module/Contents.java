package io.kmolt.module;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** What a file's sections are for, and which functions and objects are in them. */
final class Contents {
    /** What objtool calls the padding before a function, from 6.2 on ({@code elf_create_prefix_symbol()}): no function. */
    private static final String PADDING = "__pfx_";

    /** Of sections that are loaded. Thread-local and compressed ones, and groups, the kernel does not have. */
    private static final long KNOWN_FLAGS = Elf.SHF_WRITE
            | Elf.SHF_ALLOC
            | Elf.SHF_EXECINSTR
            | Elf.SHF_MERGE
            | Elf.SHF_STRINGS
            | Elf.SHF_INFO_LINK
            | Elf.SHF_LINK_ORDER;

    private Contents() {}

    /** What each section of a module is for; every one must be known, as the kernel may act upon it. */
    static List<SectionKind> ofModule(ElfObject elf) throws ModuleException {
        List<SectionKind> kinds = new ArrayList<>();
        for (ElfSection section : elf.sections()) {
            if (section.isAlloc() && (section.flags() & ~KNOWN_FLAGS) != 0) {
                throw new ModuleException(
                        elf.name(),
                        "section %s has flags 0x%x, not all of which are known"
                                .formatted(section.name(), section.flags()));
            }
            Optional<SectionKind> kind =
                    ObjectSections.ofOneSymbol(elf, section).or(() -> SectionKind.of(section));
            if (kind.isEmpty()) {
                throw new ModuleException(
                        elf.name(), "section " + section.name() + " is unknown; kmolt cannot tell what becomes of it");
            }
            kinds.add(kind.get());
        }
        return kinds;
    }

    /** What each section of any other object is for. */
    static List<SectionKind> ofObject(ElfObject elf) throws ModuleException {
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.isCommon()) {
                throw new ModuleException(
                        elf.name(),
                        symbol.name() + " is a common symbol, which has no place yet; compile with -fno-common");
            }
        }
        return elf.sections().stream()
                .map(section -> ObjectSections.ofObject(elf, section))
                .toList();
    }

    /** What to call an object: its file's name. */
    static String nameOf(String file) {
        String name = file.substring(file.lastIndexOf('/') + 1);
        return name.replaceFirst("\\.k?o$", "");
    }

    /** All functions and objects, by section and offset; the larger first of two at one offset. */
    static List<Item> items(ElfObject elf, List<SectionKind> kinds) {
        List<Item> items = new ArrayList<>();
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.isDefined()
                    && !symbol.isAbsolute()
                    && (symbol.isFunction() || symbol.isObject())
                    && !symbol.name().startsWith(PADDING)) {
                SectionKind section = kinds.get(symbol.shndx());
                // clang puts small tables among the constants that no symbol names.
                SectionKind kind = section == SectionKind.CONSTANTS ? SectionKind.DEFINITION : section;
                items.add(new Item(
                        symbol.index(),
                        symbol.name(),
                        symbol.isFunction(),
                        !symbol.isLocal(),
                        symbol.shndx(),
                        kind,
                        symbol.value(),
                        symbol.size()));
            }
        }
        items.sort(Comparator.comparingInt(Item::section)
                .thenComparingLong(Item::offset)
                .thenComparing(Comparator.comparingLong(Item::size).reversed())
                .thenComparing(Item::name));
        return items;
    }
}
