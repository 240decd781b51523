package io.kmolt.edition;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.elf.ModVersion;
import io.kmolt.link.Descriptor;
import io.kmolt.link.DescriptorWriter;
import io.kmolt.link.ModuleShell;
import io.kmolt.link.Neutraliser;
import io.kmolt.link.OrcTable;
import io.kmolt.link.StubCode;
import io.kmolt.module.KernelModule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Makes a module out of dispatchers: a copy of {@code kmolt_routes.ko}, which is compiled next to the core, with the code,
 * {@code struct kmolt_routes}, and what the kernel must know of code that no compiler has seen. A pure function of its
 * input.
 */
public final class RoutesModule {
    private static final List<String> IMPORTS = List.of("kmolt_enroll_routes", "kmolt_withdraw_routes");
    private static final long MAGIC = 0x0a52746c6f6d6bL;
    private static final int STRUCT_SIZE = 232;
    private static final int NAME_LEN = 64;

    /** {@code KMOLT_ROUTE_LEN}, with the NUL at its end. */
    public static final int ROUTE_LEN = 256;

    private static final long ROUTE_NONE = 1;
    private static final int CODE_ALIGNMENT = 64;

    private final RoutesImage routes;
    private final ElfObject template;
    private final KernelModule core;
    private final ElfEditor editor;
    private final Map<RoutesImage.Target, Integer> symbols = new HashMap<>();
    private final SequencedMap<String, Long> versions;

    /**
     * A module to be loaded.
     *
     * @param module its name
     * @param image the file
     */
    public record Linked(String module, byte[] image) {}

    private RoutesModule(RoutesImage routes, ElfObject template, KernelModule core) {
        this.routes = routes;
        this.template = template;
        this.core = core;
        this.editor = new ElfEditor(template);
        this.versions = ModuleShell.exports(core, IMPORTS);
    }

    /**
     * The template for a kernel, in the folder that kmolt runs from.
     *
     * @param release as in {@code uname -r}
     * @throws EditionException if it is not there, or damaged
     */
    public static ElfObject template(String release) throws EditionException, IOException {
        Path file = Path.of(System.getProperty("kmolt.home", "."))
                .resolve("target/kernel")
                .resolve(release)
                .resolve("kmolt_routes.ko");
        if (!Files.exists(file)) {
            throw EditionException.unfit("there is no %s; build it: make core KERNELS=%s".formatted(file, release));
        }
        try {
            return ElfObject.read(file);
        } catch (ElfException e) {
            throw EditionException.unfit(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Makes the module.
     *
     * @param template {@code kmolt_routes.ko} of the kernel that it is for
     * @param core the core of that kernel
     * @throws EditionException if template and core do not belong together, or a text or name is too long
     * @throws ElfException if the template cannot be rewritten, or a place lies outside the code
     */
    public static Linked link(RoutesImage routes, ElfObject template, KernelModule core)
            throws EditionException, ElfException {
        return new RoutesModule(routes, template, core).link();
    }

    private Linked link() throws EditionException, ElfException {
        // 1. All must be for one kernel, and fit into the descriptor.
        String name = "kmolt_%s_r%d".formatted(routes.editions(), routes.generation());
        check(name);

        // 2. The code, and the word by which it is switched on.
        int go = go();
        int code = code(go);
        nameDispatchers(code);

        // 3. The descriptor, and the stubs that hand it to the core.
        DescriptorWriter descriptor = new DescriptorWriter(editor, "kmolt_routes", STRUCT_SIZE);
        write(descriptor, go, code);
        ModuleShell shell = new ModuleShell(template, editor);
        StubCode stubs = new StubCode(editor, ".text.kmolt_stubs");
        int init = stubs.tell("kmolt_stub_init", IMPORTS.get(0), descriptor.symbol(), shell.ownModule());
        int exit = stubs.tell("kmolt_stub_exit", IMPORTS.get(1), descriptor.symbol());
        stubs.finish();

        // 4. What a compiler would have told the kernel of the code.
        addUnwindData(code, stubs);
        addReturnSites(code);

        // 5. Another module.
        Neutraliser.renameTypes(template, editor);
        SequencedMap<String, String> info = new LinkedHashMap<>();
        info.put("name", name);
        info.put("depends", "kmolt");
        info.put("description", "kmolt: routes of " + routes.editions());
        shell.replaceInfo(info, _ -> true);
        shell.replaceModule(name, core, init, exit);
        shell.addVersions(versions);
        return new Linked(name, editor.build());
    }

    private void check(String name) throws EditionException {
        List<Refusal> refusals = new ArrayList<>(CoreExports.missing(core, IMPORTS));
        String built = template.modinfo("vermagic").orElse("").strip();
        String running = core.info("vermagic").strip();
        if (!built.equals(running)) {
            refusals.add(new Refusal(
                    Kind.OTHER_KERNEL,
                    template.name(),
                    "it was built for another kernel (%s) than the core (%s); build both anew: make core"
                            .formatted(built, running)));
        }
        if (name.length() >= ModuleShell.NAME_SIZE) {
            refusals.add(new Refusal(Kind.DECLARATION, name, "it is too long for the name of a module"));
        }
        for (RoutesImage.Route route : routes.routes()) {
            if (route.text().getBytes(StandardCharsets.UTF_8).length >= ROUTE_LEN) {
                refusals.add(new Refusal(
                        Kind.DECLARATION,
                        route.label(),
                        "its route is longer than the %d bytes that a route may have".formatted(ROUTE_LEN - 1)));
            }
        }
        if (!refusals.isEmpty()) {
            throw EditionException.refused(name, refusals);
        }
    }

    private int go() {
        int section = editor.addSection(
                ".kmolt.data", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_WRITE, Integer.BYTES, new byte[Integer.BYTES]);
        return editor.addSymbol("kmolt_go", Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, Integer.BYTES);
    }

    /** @return a symbol at the code's beginning */
    private int code(int go) {
        int section = editor.addSection(
                ".text.kmolt", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, CODE_ALIGNMENT, routes.code());
        List<ElfRelocation> relocations = new ArrayList<>();
        for (RoutesImage.Reference reference : routes.references()) {
            checkEmpty(reference);
            int type = switch (reference.width()) {
                case RELATIVE -> Elf.R_X86_64_PC32;
                case SIGNED -> Elf.R_X86_64_32S;
            };
            int symbol = symbols.computeIfAbsent(reference.target(), target -> symbol(target, go));
            relocations.add(new ElfRelocation(reference.offset(), type, symbol, reference.addend()));
        }
        editor.setRelocations(section, relocations);
        return editor.addSymbol("kmolt_dispatchers", Elf.STB_LOCAL, Elf.STT_NOTYPE, section, 0, 0);
    }

    /** The loader refuses to write where something stands ({@code apply_relocate_add}, arch/x86/kernel/module.c). */
    private void checkEmpty(RoutesImage.Reference reference) {
        byte[] code = routes.code();
        int at = Objects.checkFromIndexSize(reference.offset(), Integer.BYTES, code.length);
        for (int i = at; i < at + Integer.BYTES; i++) {
            if (code[i] != 0) {
                throw new IllegalArgumentException("the field of " + reference + " is not 0");
            }
        }
    }

    private int symbol(RoutesImage.Target target, int go) {
        return switch (target) {
            case RoutesImage.Target.Go() -> go;
            case RoutesImage.Target.Absolute(long address) ->
                editor.addSymbol("kmolt.%x".formatted(address), Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, address, 0);
            case RoutesImage.Target.Import(String name) -> imported(name);
        };
    }

    /** What the template does not import itself has the CRC that the core was compiled with. */
    private int imported(String name) {
        for (ElfSymbol symbol : template.symbols()) {
            if (symbol.isUndefined() && symbol.name().equals(name)) {
                return symbol.index();
            }
        }
        for (ModVersion version : core.elf().symbolVersions()) {
            if (version.name().equals(name)) {
                versions.put(name, Integer.toUnsignedLong(version.crc()));
            }
        }
        return editor.addSymbol(name, Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
    }

    /** So that traces of the stack name them. Each reaches up to the next. */
    private void nameDispatchers(int code) {
        SequencedMap<Integer, String> names = new TreeMap<>();
        for (RoutesImage.Route route : routes.routes()) {
            route.places().ifPresent(places -> {
                names.putIfAbsent(places.entry(), route.label() + ".dispatch");
                names.putIfAbsent(places.shared(), route.label() + ".dispatch_shared");
                names.putIfAbsent(places.first(), route.label() + ".dispatch_first");
                names.putIfAbsent(places.firstShared(), route.label() + ".dispatch_first_shared");
            });
        }
        TreeSet<Integer> ends = new TreeSet<>(names.keySet());
        ends.add(routes.code().length);
        int section = editor.symbol(code).shndx();
        names.forEach((offset, name) -> {
            Integer end = ends.higher(offset);
            int size = end == null ? 0 : end - offset;
            editor.addSymbol(name, Elf.STB_LOCAL, Elf.STT_FUNC, section, offset, size);
        });
    }

    private void write(DescriptorWriter out, int go, int code) {
        out.u64(MAGIC).u32(Descriptor.ABI).u32(STRUCT_SIZE);
        out.text(routes.bootId(), NAME_LEN).text(routes.editions(), NAME_LEN).text(routes.from(), NAME_LEN);
        out.address(go, 0);
        out.array(STRUCT_SIZE, routes.routes().size());
        for (RoutesImage.Route route : routes.routes()) {
            out.u64(route.function()).u64(route.none() ? ROUTE_NONE : 0);
            route.places()
                    .ifPresentOrElse(
                            places -> out.address(code, places.entry())
                                    .address(code, places.shared())
                                    .address(code, places.first())
                                    .address(code, places.firstShared()),
                            () -> out.u64(0).u64(0).u64(0).u64(0));
            out.text(route.text(), ROUTE_LEN);
        }
        out.finish();
    }

    private void addUnwindData(int code, StubCode stubs) {
        OrcTable orc = new OrcTable(template, editor);
        routes.unwind().forEach(unwind -> orc.add(code, unwind.offset(), unwind.depth()));
        orc.add(code, routes.code().length, OptionalInt.empty());
        int start = editor.addSymbol("kmolt_stubs", Elf.STB_LOCAL, Elf.STT_NOTYPE, stubs.section(), 0, 0);
        orc.add(start, 0, OptionalInt.of(OrcTable.CALLED));
        orc.add(start, stubs.size(), OptionalInt.empty());
        orc.finish();
    }

    /** {@code .return_sites}: a 32-bit distance to each ({@code apply_returns()} in {@code arch/x86/kernel/alternative.c}). */
    private void addReturnSites(int code) {
        if (routes.returnSites().isEmpty()) {
            return;
        }
        ElfSection old = template.section(".return_sites").orElse(null);
        int section = old != null
                ? old.index()
                : editor.addSection(".return_sites", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, new byte[0]);
        List<ElfRelocation> relocations = new ArrayList<>(old == null ? List.of() : template.relocations(section));
        byte[] content = old == null ? new byte[0] : template.content(old);
        int at = content.length;
        for (int site : routes.returnSites()) {
            relocations.add(new ElfRelocation(at, Elf.R_X86_64_PC32, code, site));
            at += Integer.BYTES;
        }
        editor.setContent(section, Arrays.copyOf(content, at));
        editor.setRelocations(section, relocations);
    }
}
