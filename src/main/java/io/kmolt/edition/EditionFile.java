package io.kmolt.edition;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.elf.ModVersion;
import io.kmolt.module.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A compiled module with editions, before it is linked onto a kernel.
 *
 * <p>All that {@code include/kmolt.h} declares is in names: an edition is alone in the section {@code
 * .text.kmolt.NUMBER.OBJECT.OCCURRENCE.FUNCTION}, a call of the original goes to {@code __kmolt_original_EDITION}, and
 * {@code KMOLT_SYMBOL} names a symbol {@code .kmolt.sym.OBJECT.OCCURRENCE.NAME}.
 *
 * @param elf the file
 * @param name what people call the update: the module's name
 * @param editions what it declares, in the order of the file
 * @param originals by index of an undefined symbol, the edition whose original it stands for
 * @param needed what it uses and the kernel does not export, in the order of the file
 */
public record EditionFile(
        ElfObject elf,
        String name,
        List<DeclaredEdition> editions,
        SequencedMap<Integer, DeclaredEdition> originals,
        List<NeededSymbol> needed) {
    /** The longest name of an update: room is left for what the names of its modules add to it. */
    static final int MAX_NAME = 40;

    private static final int MAX_NUMBER = 255;
    private static final String SECTION_PREFIX = ".text.kmolt.";
    private static final String ORIGINAL_PREFIX = "__kmolt_original_";
    private static final String SYMBOL_PREFIX = ".kmolt.sym.";

    /** The part behind {@link #SECTION_PREFIX}. */
    private static final Pattern DECLARATION = Pattern.compile("([^.]*)\\.([^.]*)\\.([^.]*)\\.(.+)");

    /** The part behind {@link #SYMBOL_PREFIX}. */
    private static final Pattern SYMBOL = Pattern.compile("([^.]*)\\.([^.]*)\\.(.+)");

    /**
     * Reads a file.
     *
     * @throws EditionException if it is no module, or what it declares makes no sense, with every reason
     */
    public static EditionFile read(Path path) throws EditionException, IOException {
        return parse(path.toString(), Files.readAllBytes(path));
    }

    /**
     * Takes a file's bytes apart.
     *
     * @param file what to call it in messages
     * @throws EditionException if it is no module, or what it declares makes no sense, with every reason
     */
    public static EditionFile parse(String file, byte[] bytes) throws EditionException {
        try {
            ElfObject elf = ElfObject.parse(file, Signature.strip(bytes));
            String name = elf.modinfo("name")
                    .filter(_ -> elf.section(".gnu.linkonce.this_module").isPresent())
                    .orElseThrow(() -> EditionException.unfit(
                            file + ": is no kernel module; build one from C with" + " kmolt edition build FILE.c"));
            return new Reader(elf, name.replace('-', '_')).read();
        } catch (ElfException e) {
            throw EditionException.unfit(String.valueOf(e.getMessage()));
        }
    }

    /** Every name that has to be looked up in the running kernel. */
    public Set<String> names() {
        Set<String> names = new TreeSet<>();
        editions.forEach(edition -> names.add(edition.function()));
        needed.forEach(symbol -> names.add(symbol.name()));
        return names;
    }

    private static final class Reader {
        private final ElfObject elf;
        private final String name;
        private final List<Refusal> refusals = new ArrayList<>();

        Reader(ElfObject elf, String name) {
            this.elf = elf;
            this.name = name;
        }

        EditionFile read() throws EditionException {
            if (name.length() > MAX_NAME) {
                refuse(name, "the name is longer than the " + MAX_NAME + " characters that an update's may have");
            }
            for (ElfSymbol symbol : elf.symbols()) {
                if (symbol.isDefined() && symbol.name().matches("init_module|cleanup_module")) {
                    refuse(
                            symbol.name(),
                            "a module with editions has neither module_init nor module_exit;"
                                    + " when it is loaded and unloaded, kmolt enters and takes back its editions");
                }
            }
            List<DeclaredEdition> editions = editions();
            if (editions.isEmpty() && refusals.isEmpty()) {
                refuse(
                        name,
                        "it declares no edition; put KMOLT_EDITION(FUNCTION) before the function"
                                + " that is to stand in for the kernel's FUNCTION");
            }
            SequencedMap<Integer, DeclaredEdition> originals = new LinkedHashMap<>();
            List<NeededSymbol> needed = new ArrayList<>();
            readUndefined(editions, originals, needed);
            if (!refusals.isEmpty()) {
                throw EditionException.refused(name, refusals);
            }
            return new EditionFile(elf, name, editions, originals, needed);
        }

        private void refuse(String subject, String reason) {
            refusals.add(new Refusal(Kind.DECLARATION, subject, reason));
        }

        private List<DeclaredEdition> editions() {
            List<DeclaredEdition> editions = new ArrayList<>();
            for (ElfSection section : elf.sections()) {
                if (section.isAlloc() && section.name().startsWith(SECTION_PREFIX)) {
                    edition(section).ifPresent(editions::add);
                }
            }
            return editions;
        }

        private Optional<DeclaredEdition> edition(ElfSection section) {
            Matcher parts = DECLARATION.matcher(section.name().substring(SECTION_PREFIX.length()));
            // The compiler may add a clone of an edition that the file itself calls.
            List<ElfSymbol> functions = elf.symbols().stream()
                    .filter(s -> s.isFunction()
                            && s.shndx() == section.index()
                            && !s.name().contains("."))
                    .toList();
            if (!parts.matches() || functions.isEmpty()) {
                refuse(section.name(), "KMOLT_EDITION must stand before a function, and name a kernel function");
                return Optional.empty();
            }
            ElfSymbol function = functions.getFirst();
            if (functions.size() > 1) {
                refuse(
                        function.name(),
                        "%s is an edition of %s with the same number; give one of them another one: KMOLT_EDITION(%s, 2)"
                                .formatted(functions.get(1).name(), parts.group(4), parts.group(4)));
            }
            int number = number(parts.group(1), 1, MAX_NUMBER);
            int occurrence = number(parts.group(3), 0, Integer.MAX_VALUE);
            if (number < 0) {
                refuse(
                        function.name(),
                        "its number is \"%s\", and must be one from 1 to %d, written in digits"
                                .formatted(parts.group(1), MAX_NUMBER));
            }
            if (occurrence < 0) {
                refuse(
                        function.name(),
                        "its occurrence is \"%s\", and must be a number, written in digits".formatted(parts.group(3)));
            }
            return Optional.of(new DeclaredEdition(
                    function.name(),
                    parts.group(4),
                    number,
                    object(parts.group(2)),
                    occurrence,
                    function.index(),
                    section.index(),
                    function.size()));
        }

        private static Optional<String> object(String text) {
            return text.isEmpty() || text.equals("_") ? Optional.empty() : Optional.of(text.replace('-', '_'));
        }

        /** The number that a text says in decimal digits; -1 if it says none in these bounds. */
        private static int number(String text, int least, int most) {
            if (!text.matches("\\d{1,9}")) {
                return -1;
            }
            int number = Integer.parseInt(text);
            return number < least || number > most ? -1 : number;
        }

        private void readUndefined(
                List<DeclaredEdition> editions, Map<Integer, DeclaredEdition> originals, List<NeededSymbol> needed) {
            Set<String> exported = new HashSet<>();
            for (ModVersion version : elf.symbolVersions()) {
                exported.add(version.name());
            }
            Set<Integer> called = called();
            for (ElfSymbol symbol : elf.symbols()) {
                // The loader takes a weak symbol that it does not find as 0, as the compiler's user meant it.
                boolean wanted = symbol.isUndefined()
                        && !symbol.name().isEmpty()
                        && !symbol.isWeak()
                        && !exported.contains(symbol.name());
                if (!wanted || symbol.name().equals("_GLOBAL_OFFSET_TABLE_")) {
                    continue;
                }
                if (symbol.name().startsWith(ORIGINAL_PREFIX)) {
                    String of = symbol.name().substring(ORIGINAL_PREFIX.length());
                    editions.stream()
                            .filter(edition -> edition.name().equals(of))
                            .findFirst()
                            .ifPresentOrElse(
                                    edition -> originals.put(symbol.index(), edition),
                                    () -> refuse(
                                            "kmolt_original(" + of + ", …)",
                                            "its first argument must be the name of an edition, and " + of
                                                    + " has no KMOLT_EDITION"));
                } else {
                    needed(symbol, called.contains(symbol.index())).ifPresent(needed::add);
                }
            }
        }

        /** The symbols that calls and jumps name. */
        private Set<Integer> called() {
            Set<Integer> called = new HashSet<>();
            for (ElfSection section : elf.sections()) {
                for (ElfRelocation relocation : elf.relocations(section.index())) {
                    if (relocation.type() == Elf.R_X86_64_PLT32) {
                        called.add(relocation.symbol());
                    }
                }
            }
            return called;
        }

        private Optional<NeededSymbol> needed(ElfSymbol symbol, boolean called) {
            if (!symbol.name().startsWith(SYMBOL_PREFIX)) {
                return Optional.of(new NeededSymbol(symbol.name(), Optional.empty(), 0, called, symbol.index()));
            }
            Matcher parts = SYMBOL.matcher(symbol.name().substring(SYMBOL_PREFIX.length()));
            int occurrence = parts.matches() ? number(parts.group(2), 0, Integer.MAX_VALUE) : -1;
            if (occurrence < 0) {
                refuse(
                        symbol.name(),
                        "it must be written KMOLT_SYMBOL(OBJECT, NAME, OCCURRENCE), with OCCURRENCE in digits");
                return Optional.empty();
            }
            return Optional.of(
                    new NeededSymbol(parts.group(3), object(parts.group(1)), occurrence, called, symbol.index()));
        }
    }
}
