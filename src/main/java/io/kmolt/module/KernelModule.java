package io.kmolt.module;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.x86.Instruction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A kernel module's file as a model: its functions and objects, and what refers to what.
 *
 * <p>The assembler replaces most local symbols in relocations by their section; {@link #references} finds again which
 * function or object is meant. In code that takes the length of the instruction: a relocation relative to the
 * instruction pointer counts from the instruction's end, which an immediate operand puts behind the field.
 */
public final class KernelModule {
    private static final String THIS_MODULE = ".gnu.linkonce.this_module";

    private final ElfObject elf;
    private final String name;
    private final boolean loadable;
    private final List<SectionKind> kinds;
    private final List<Item> items;
    private final Map<Integer, List<Item>> bySection = new HashMap<>();
    private final Map<Integer, Item> bySymbol = new HashMap<>();
    private final Map<Integer, byte[]> contents = new HashMap<>();
    private final Map<Integer, Code> code = new HashMap<>();
    private final Map<Integer, List<Reference>> references = new HashMap<>();

    private @Nullable Set<Item> traceItems;

    private KernelModule(ElfObject elf, String name, boolean loadable, List<SectionKind> kinds, List<Item> items) {
        this.elf = elf;
        this.name = name;
        this.loadable = loadable;
        this.kinds = kinds;
        this.items = items;
        for (Item item : items) {
            bySection.computeIfAbsent(item.section(), s -> new ArrayList<>()).add(item);
            bySymbol.put(item.symbol(), item);
        }
    }

    /** Reads a module's file, compressed or not, without the signature at its end if there is one. */
    public static KernelModule read(Path path) throws ModuleException, ElfException, IOException {
        return parse(path.toString(), Files.readAllBytes(path));
    }

    /**
     * Takes a module's bytes apart.
     *
     * @param file what to call it in messages
     * @param bytes the file's contents, compressed or not
     */
    public static KernelModule parse(String file, byte[] bytes) throws ModuleException, ElfException {
        KernelModule module = parseObject(file, bytes);
        if (!module.isLoadable()) {
            throw new ModuleException(file, "is not a kernel module: it has no name or no struct module");
        }
        return module;
    }

    /**
     * Takes a module's bytes apart, or those of any object that a compiler wrote, which gets its name from its file.
     *
     * @param file what to call it in messages
     * @param bytes the file's contents, compressed or not
     */
    public static KernelModule parseObject(String file, byte[] bytes) throws ModuleException, ElfException {
        ElfObject elf = ElfObject.parse(file, Signature.strip(Compressed.expand(file, bytes)));
        Optional<String> name = elf.section(THIS_MODULE).flatMap(_ -> elf.modinfo("name"));
        List<SectionKind> kinds = name.isPresent() ? Contents.ofModule(elf) : Contents.ofObject(elf);
        KernelModule module = new KernelModule(
                elf,
                name.orElseGet(() -> Contents.nameOf(file)).replace('-', '_'),
                name.isPresent(),
                kinds,
                Contents.items(elf, kinds));
        module.decode();
        return module;
    }

    private void decode() throws ModuleException {
        for (ElfSection section : elf.sections()) {
            if (section.isExec() && kind(section.index()) != SectionKind.METADATA) {
                List<Item> functions =
                        in(section.index()).stream().filter(Item::function).toList();
                code.put(section.index(), Code.decode(elf.name(), section, content(section.index()), functions));
            }
        }
    }

    public ElfObject elf() {
        return elf;
    }

    /** The module's name, as {@code lsmod} shows it; that of its file if it is no module. */
    public String name() {
        return name;
    }

    /** Whether it is a whole module, and not only an object that might become part of one. */
    public boolean isLoadable() {
        return loadable;
    }

    public SectionKind kind(int section) {
        return kinds.get(section);
    }

    /** All functions and objects, by section and offset. */
    public List<Item> items() {
        return items;
    }

    /** The functions that may run while the module is loaded. */
    public List<Item> functions() {
        return items.stream().filter(i -> i.function() && i.kind().isCode()).toList();
    }

    /** The objects that a build may share with another one. */
    public List<Item> objects() {
        return items.stream()
                .filter(i -> !i.function() && i.kind().isData() && i.size() > 0)
                .toList();
    }

    /** The functions and objects of a section, by offset. */
    public List<Item> in(int section) {
        return bySection.getOrDefault(section, List.of());
    }

    /** The function or object of that name, if there is exactly one. */
    public Optional<Item> item(String itemName) {
        List<Item> found =
                items.stream().filter(i -> i.name().equals(itemName)).limit(2).toList();
        return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
    }

    /** The functions and objects that belong to trace events, which the kernel has registered. */
    public Set<Item> traceItems() {
        if (traceItems == null) {
            traceItems = TraceItems.find(this);
        }
        return traceItems;
    }

    /** The build-id in hexadecimal. */
    public Optional<String> buildId() {
        return elf.buildId().map(HexFormat.of()::formatHex);
    }

    /** What the module's {@code .modinfo} says under a key, or an empty text. */
    public String info(String key) {
        return elf.modinfo(key).orElse("");
    }

    /** A section's bytes; zeros where the file has none. Not to be changed. */
    public byte[] content(int section) {
        return contents.computeIfAbsent(section, s -> {
            ElfSection header = elf.sections().get(s);
            return header.isNobits() ? new byte[Math.toIntExact(header.size())] : elf.content(header);
        });
    }

    /** The instructions of a function. */
    public List<Instruction> instructions(Item function) {
        Code section = code.get(function.section());
        return section == null ? List.of() : section.between(function.offset(), function.end());
    }

    /** All that a section refers to, by offset. */
    public List<Reference> references(int section) {
        return references.computeIfAbsent(section, this::findReferences);
    }

    /** All that a function or object refers to, by offset. */
    public List<Reference> references(Item item) {
        List<Reference> all = references(item.section());
        return all.subList(indexFrom(all, item.offset()), indexFrom(all, item.end()));
    }

    private static int indexFrom(List<Reference> all, long offset) {
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).offset() < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private List<Reference> findReferences(int section) {
        List<Reference> found = new ArrayList<>();
        Code instructions = code.get(section);
        for (ElfRelocation relocation : elf.relocations(section)) {
            if (relocation.type() != Elf.R_X86_64_NONE) {
                found.add(reference(
                        elf.sections().get(section),
                        relocation,
                        instructions == null ? null : instructions.covering(relocation.offset())));
            }
        }
        if (instructions != null) {
            addResolved(section, instructions, found);
        }
        found.sort(Comparator.comparingLong(Reference::offset));
        return found;
    }

    private Reference reference(ElfSection holder, ElfRelocation relocation, @Nullable Instruction instruction) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        Reference.Use use = use(relocation, instruction);
        long bias = relocation.isPcRelative() ? bias(relocation, holder, instruction) : 0;
        long place = symbol.value() + relocation.addend() + bias;
        if (symbol.isUndefined() || symbol.shndx() == Elf.SHN_LIVEPATCH) {
            return new Reference(
                    relocation.offset(),
                    relocation.width(),
                    use,
                    new Referent.Import(symbol.name()),
                    relocation,
                    false);
        }
        if (symbol.isAbsolute()) {
            return new Reference(
                    relocation.offset(), relocation.width(), use, new Referent.Absolute(place), relocation, false);
        }
        // clang keeps the names that it gives to string literals; they say no more than a number.
        if (kind(symbol.shndx()) == SectionKind.STRINGS) {
            return new Reference(
                    relocation.offset(), relocation.width(), use, literal(symbol.shndx(), place), relocation, false);
        }
        Item named = bySymbol.get(symbol.index());
        if (named != null) {
            Referent referent = new Referent.InItem(named, place - named.offset());
            return new Reference(relocation.offset(), relocation.width(), use, referent, relocation, false);
        }
        int stride = instruction != null && use == Reference.Use.ACCESS
                ? Code.stride(content(holder.index()), instruction)
                : 0;
        return placed(relocation.offset(), relocation.width(), use, symbol.shndx(), place, relocation, stride);
    }

    /** A reference to a place in a section, of which it is to be found out whose it is. */
    private Reference placed(
            long offset,
            int width,
            Reference.Use use,
            int section,
            long place,
            @Nullable ElfRelocation relocation,
            int stride) {
        Item item = at(section, place);
        if (item == null) {
            Referent referent = new Referent.Anonymous(section, place, kind(section));
            return new Reference(
                    offset, width, use, referent, relocation, kind(section).isData());
        }
        long delta = place - item.offset();
        boolean inside = delta < item.size() || (delta == 0 && item.size() == 0);
        // The end of one table may be the beginning of the next; an access is never to the end.
        boolean touchesPrevious = delta == 0 && use != Reference.Use.ACCESS && isEndOfAnother(section, place);
        // An indexed access may begin elsewhere than it seems, as in next[i - 1]. What indexes a per-CPU variable is a
        // CPU.
        boolean origin = stride > 0 && (delta != 0 || item.kind() != SectionKind.PERCPU);
        boolean doubtful = item.kind().isData() && (!inside || touchesPrevious || origin);
        return new Reference(offset, width, use, new Referent.InItem(item, delta), relocation, doubtful);
    }

    /** How far the end of the instruction, from which the processor counts, is from the field. */
    private static long bias(ElfRelocation relocation, ElfSection holder, @Nullable Instruction instruction) {
        if (instruction != null) {
            return instruction.end() - relocation.offset();
        }
        // Replacements of alternatives are no functions; in them, as nearly everywhere, the field ends the instruction.
        return holder.isExec() ? relocation.width() : 0;
    }

    private static Reference.Use use(ElfRelocation relocation, @Nullable Instruction instruction) {
        if (instruction == null) {
            return Reference.Use.WORD;
        }
        int field = (int) (relocation.offset() - instruction.offset());
        if (instruction.immRelative() && instruction.isImmAt(field)) {
            return Reference.Use.BRANCH;
        }
        boolean operand = instruction.memory() && instruction.isDispAt(field);
        return operand && !instruction.mnemonic().equals("lea") ? Reference.Use.ACCESS : Reference.Use.ADDRESS;
    }

    /** Calls, jumps and addresses within the section, which need no relocation. */
    private void addResolved(int section, Code instructions, List<Reference> found) {
        Set<Long> relocated = new HashSet<>();
        for (Reference reference : found) {
            relocated.add(reference.offset());
        }
        for (Item function : in(section)) {
            if (!function.function()) {
                continue;
            }
            for (Instruction instruction : instructions.between(function.offset(), function.end())) {
                Reference reference = resolved(function, instruction);
                if (reference != null && relocated.add(reference.offset())) {
                    found.add(reference);
                }
            }
        }
    }

    private @Nullable Reference resolved(Item function, Instruction instruction) {
        long field;
        long place;
        int width;
        Reference.Use use;
        if (instruction.branchTarget().isPresent()) {
            field = (long) instruction.offset() + instruction.immOffset();
            width = instruction.immSize();
            place = instruction.branchTarget().getAsLong();
            use = Reference.Use.BRANCH;
        } else if (instruction.ripTarget().isPresent()) {
            field = (long) instruction.offset() + instruction.dispOffset();
            width = instruction.dispSize();
            place = instruction.ripTarget().getAsLong();
            use = instruction.mnemonic().equals("lea") ? Reference.Use.ADDRESS : Reference.Use.ACCESS;
        } else {
            return null;
        }
        boolean within = place >= function.offset() && place < function.end();
        // A branch within the function moves with it; a function that calls itself is a call like any other.
        if (within && (place != function.offset() || !instruction.isCall())) {
            return null;
        }
        return placed(field, width, use, function.section(), place, null, 0);
    }

    private Referent literal(int section, long place) {
        byte[] bytes = content(section);
        if (place < 0 || place >= bytes.length) {
            return new Referent.Anonymous(section, place, SectionKind.STRINGS);
        }
        int end = (int) place;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new Referent.Literal(
                section, place, new String(bytes, (int) place, end - (int) place, StandardCharsets.ISO_8859_1));
    }

    /** The item that covers a place, else the last one that begins before it; the larger of two at one offset. */
    public @Nullable Item at(int section, long place) {
        List<Item> all = in(section);
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).offset() <= place) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low == 0) {
            return null;
        }
        Item last = all.get(low - 1);
        for (int i = low - 1; i > 0 && all.get(i - 1).offset() == last.offset(); i--) {
            last = all.get(i - 1);
        }
        return last;
    }

    /** The item that begins next behind a place, or null. */
    public @Nullable Item after(int section, long place) {
        return in(section).stream().filter(i -> i.offset() > place).findFirst().orElse(null);
    }

    /** The item that ends where a place is, or in the gap before it. */
    public @Nullable Item before(int section, long place) {
        Item found = null;
        for (Item item : in(section)) {
            if (item.offset() >= place) {
                break;
            }
            found = item;
        }
        return found;
    }

    private boolean isEndOfAnother(int section, long place) {
        Item previous = before(section, place);
        return previous != null && previous.end() == place;
    }
}
