package io.kmolt.module;

import static io.kmolt.module.SectionKind.CONSTANTS;
import static io.kmolt.module.SectionKind.DEFINITION;
import static io.kmolt.module.SectionKind.FILE_ONLY;
import static io.kmolt.module.SectionKind.INIT_DATA;
import static io.kmolt.module.SectionKind.METADATA;
import static io.kmolt.module.SectionKind.REGISTRATION;
import static io.kmolt.module.SectionKind.STATE;
import static io.kmolt.module.SectionKind.STRINGS;
import static io.kmolt.module.SectionKind.TEXT;

import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What sections are for that compilers write, and that linking a module usually merges into others or drops. */
final class ObjectSections {
    /** Of {@code -ffunction-sections} and {@code -fdata-sections}; clang names those of nameless tables with two dots. */
    private static final Pattern OF_ONE_SYMBOL = Pattern.compile("\\.(text|rodata|data|bss)(\\.\\.L|\\.)([A-Za-z_].*)");

    /** What gcc puts before the name of a function that is seldom called, and behind the one that constants belong to. */
    private static final Pattern AROUND_THE_NAME =
            Pattern.compile("^(?:unlikely|hot|startup|exit)\\.|\\.(?:str|cst)\\d+(?:\\.\\d+)?$");

    /** {@code scripts/module.lds.S} drops or merges them. */
    private static final List<Map.Entry<String, SectionKind>> IN_OBJECTS = List.of(
            Map.entry(".discard", FILE_ONLY),
            Map.entry(".eh_frame", METADATA),
            Map.entry("___ksymtab", REGISTRATION),
            Map.entry("___kcrctab", REGISTRATION),
            Map.entry(".export_symbol", REGISTRATION),
            Map.entry(".initcall", REGISTRATION),
            Map.entry(".data.rel.ro", DEFINITION),
            Map.entry(".init.", INIT_DATA),
            Map.entry(".exit.", INIT_DATA));

    private ObjectSections() {}

    /** What a section is for that holds one function or object of the file only, or its constants, and has its name. */
    static Optional<SectionKind> ofOneSymbol(ElfObject elf, ElfSection section) {
        Matcher matcher = OF_ONE_SYMBOL.matcher(section.name());
        if (!section.isAlloc() || !matcher.matches()) {
            return Optional.empty();
        }
        boolean nameless = matcher.group(2).equals("..L");
        if (!nameless
                && !isDefined(elf, AROUND_THE_NAME.matcher(matcher.group(3)).replaceAll(""))) {
            return Optional.empty();
        }
        return Optional.of(
                switch (matcher.group(1)) {
                    case "text" -> TEXT;
                    case "rodata" -> constants(section);
                    default -> STATE;
                });
    }

    private static boolean isDefined(ElfObject elf, String name) {
        return elf.symbols().stream()
                .anyMatch(
                        s -> s.isDefined() && (s.name().equals(name) || s.name().equals(name + ".cold")));
    }

    /** Strings of wider characters are rare, and are left where they are. */
    private static SectionKind constants(ElfSection section) {
        if (!section.isMergeable()) {
            return DEFINITION;
        }
        if (section.isStrings()) {
            return section.entsize() == 1 ? STRINGS : DEFINITION;
        }
        return section.name().contains(".cst") ? CONSTANTS : DEFINITION;
    }

    /** What a section of an object that is no module is for; where its name does not say it, its flags do. */
    static SectionKind ofObject(ElfObject elf, ElfSection section) {
        if (!section.isAlloc()) {
            return FILE_ONLY;
        }
        return IN_OBJECTS.stream()
                .filter(entry -> !section.isExec() && section.name().startsWith(entry.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .or(() -> ofOneSymbol(elf, section))
                .or(() -> SectionKind.of(section))
                .orElse(section.isExec() ? TEXT : section.isWritable() ? STATE : DEFINITION);
    }
}
