package io.kmolt.module;

import io.kmolt.elf.Compressed;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.x86.Instruction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A kernel module's file as a model: its functions and objects, and what refers to what.
 *
 * <p>Reading: the file is expanded and rid of its signature; {@link ElfObject} checks that it is consistent; each section
 * gets its {@link SectionKind}, by name; symbols of functions and objects become items, sorted by section and place; all
 * code of functions is decoded. What refers to what is found section by section, when it is asked for ({@link
 * ReferenceFinder}).
 *
 * <p>Bound: each byte of code is decoded once, symbols are sorted once, items are found by binary search. Fallback: none; a
 * section or a flag of one that is not known, or code that cannot be decoded, is an error, as kmolt could not tell what
 * becomes of it. Limits: see {@link ElfObject}.
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
        return references.computeIfAbsent(section, new ReferenceFinder(this)::find);
    }

    /** All that a function or object refers to, by offset. */
    public List<Reference> references(Item item) {
        return references(item.section(), item.offset(), item.end());
    }

    /** All that a piece of a section refers to, by offset. */
    public List<Reference> references(int section, long from, long to) {
        List<Reference> all = references(section);
        return all.subList(indexFrom(all, from), indexFrom(all, to));
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

    /** The item that covers a place, else the last one that begins before it; the larger of two at one offset. */
    public @Nullable Item at(int section, long place) {
        List<Item> all = in(section);
        int next = firstBehind(all, place);
        if (next == 0) {
            return null;
        }
        Item last = all.get(next - 1);
        for (int i = next - 1; i > 0 && all.get(i - 1).offset() == last.offset(); i--) {
            last = all.get(i - 1);
        }
        return last;
    }

    /** The item that begins next behind a place, or null. */
    public @Nullable Item after(int section, long place) {
        List<Item> all = in(section);
        int next = firstBehind(all, place);
        return next == all.size() ? null : all.get(next);
    }

    /** The item that ends where a place is, or in the gap before it. */
    public @Nullable Item before(int section, long place) {
        List<Item> all = in(section);
        int next = firstBehind(all, place - 1);
        return next == 0 ? null : all.get(next - 1);
    }

    private static int firstBehind(List<Item> all, long place) {
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
        return low;
    }

    /** The function or object of a symbol, or null. */
    @Nullable
    Item named(int symbol) {
        return bySymbol.get(symbol);
    }

    /** The instructions of a section, or null if it has none. */
    @Nullable
    Code code(int section) {
        return code.get(section);
    }
}
