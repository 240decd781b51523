package io.kmolt.edition;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import io.kmolt.edition.EditionTarget.LoadedObject;
import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.link.ModuleShell;
import io.kmolt.link.Neutraliser;
import io.kmolt.link.OrcTable;
import io.kmolt.link.StubCode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Links a compiled file with editions onto a running kernel: from the file and what the kernel says of itself, to an
 * update module. A pure function of its input.
 */
public final class EditionLinker {
    private static final List<String> IMPORTS = List.of("kmolt_enroll_editions", "kmolt_withdraw_editions");

    /** Callers of {@code __schedule} on the stacks of idle tasks, which are on no list of tasks. */
    private static final Set<String> IDLE = Set.of("schedule_idle", "do_idle", "cpu_startup_entry");

    /** {@code MAX_FUNCTIONS} and {@code MAX_EDITIONS} of {@code kernel/editions.c}. */
    private static final int MAX_FUNCTIONS = 128;

    private static final int MAX_EDITIONS = 1024;

    private final EditionFile file;
    private final EditionTarget target;
    private final Prototypes prototypes;
    private final ElfEditor editor;
    private final List<Refusal> refusals = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    private EditionLinker(EditionFile file, EditionTarget target, Prototypes prototypes) {
        this.file = file;
        this.target = target;
        this.prototypes = prototypes;
        this.editor = new ElfEditor(file.elf());
    }

    /**
     * Links.
     *
     * @throws EditionException if the file does not fit the kernel, with every reason
     * @throws ElfException if the file cannot be rewritten
     */
    public static EditionUpdate link(EditionFile file, EditionTarget target, Prototypes prototypes)
            throws EditionException, ElfException {
        return new EditionLinker(file, target, prototypes).link();
    }

    private EditionUpdate link() throws EditionException, ElfException {
        // 1. The file was compiled for this kernel, and the core that will be told of it knows editions.
        checkKernel();

        // 2. Which functions are meant, and where all else is that the kernel does not export.
        Resolver resolver = new Resolver(target, refusals);
        List<LinkedFunction> functions = functions(resolver);
        if (functions.size() > MAX_FUNCTIONS || file.editions().size() > MAX_EDITIONS) {
            refuse(
                    Kind.DECLARATION,
                    file.name(),
                    "it has editions of %d functions, %d in all; an update has at most %d and %d"
                            .formatted(functions.size(), file.editions().size(), MAX_FUNCTIONS, MAX_EDITIONS));
        }
        Map<NeededSymbol, Long> addresses = addresses(resolver, functions);

        // 3. Callers must not notice whom they have called.
        checkPrototypes(functions);
        refuseIfAny();

        // 4. What is not exported becomes absolute.
        addresses.forEach((needed, address) ->
                editor.setSymbol(needed.symbol(), editor.symbol(needed.symbol()).absoluteAt(address)));

        // 5. A marker word for each function, and the way to its original for editions that want it.
        int markers = markers(functions);
        StubCode stubs = new StubCode(editor, ".text.kmolt");
        addOriginals(stubs, functions, markers);

        // 6. Another module, which tells the core what it brings.
        ModuleShell shell = new ModuleShell(file.elf(), editor);
        EditionDescriptor descriptor = new EditionDescriptor(editor);
        descriptor.write(target.bootId(), file.name(), functions, markers);
        int init = stubs.tell("kmolt_stub_init", IMPORTS.get(0), descriptor.symbol(), shell.ownModule());
        int exit = stubs.tell("kmolt_stub_exit", IMPORTS.get(1), descriptor.symbol());
        stubs.finish();
        addUnwindData(stubs);
        Neutraliser.renameTypes(file.elf(), editor);
        shell.replaceInfo(info(), _ -> true);
        shell.replaceModule(moduleName(), target.core(), init, exit);
        shell.addVersions(ModuleShell.exports(target.core(), IMPORTS));
        return new EditionUpdate(file.name(), moduleName(), editor.build(), summary(functions), List.copyOf(notes));
    }

    private String moduleName() {
        return "kmolt_" + file.name();
    }

    private void refuseIfAny() throws EditionException {
        if (!refusals.isEmpty()) {
            throw EditionException.refused(file.name(), List.copyOf(new LinkedHashSet<>(refusals)));
        }
    }

    private void refuse(Kind kind, String subject, String reason) {
        refusals.add(new Refusal(kind, subject, reason));
    }

    private void checkKernel() {
        String built = file.elf().modinfo("vermagic").orElse("").strip();
        String running = target.core().info("vermagic").strip();
        if (!built.equals(running)) {
            refuse(
                    Kind.OTHER_KERNEL,
                    file.name(),
                    "it was built for another kernel (%s) than the one that runs (%s); build it with --kernel %s"
                            .formatted(built, running, running.split(" ", 2)[0]));
        }
        refusals.addAll(CoreExports.missing(target.core(), IMPORTS));
    }

    // ---- What is meant ----

    /** In the order in which the file first has an edition of each. */
    private List<LinkedFunction> functions(Resolver resolver) {
        SequencedMap<Long, Resolver.Found> found = new LinkedHashMap<>();
        Map<Long, String> names = new HashMap<>();
        Map<Long, List<DeclaredEdition>> editions = new HashMap<>();
        for (DeclaredEdition edition : file.editions()) {
            resolver.resolve(edition).ifPresent(function -> {
                long address = function.symbol().address();
                found.putIfAbsent(address, function);
                names.putIfAbsent(address, edition.function());
                editions.computeIfAbsent(address, _ -> new ArrayList<>()).add(edition);
            });
        }
        List<LinkedFunction> functions = new ArrayList<>();
        found.forEach((address, function) -> functions.add(
                function(function, names.getOrDefault(address, ""), editions.getOrDefault(address, List.of()))));
        return functions;
    }

    private LinkedFunction function(Resolver.Found found, String name, List<DeclaredEdition> editions) {
        KernelSymbol symbol = found.symbol();
        if (symbol.object().isEmpty() && IDLE.contains(name)) {
            refuse(
                    Kind.DECLARATION,
                    editions.getFirst().name(),
                    name + " is where idle CPUs stay; it could not be told when they have left an edition of it");
        }
        String label = (symbol.object().isEmpty() ? "" : symbol.object() + ":")
                + name
                + (found.namesakes() > 1 ? "," + (found.place() + 1) : "");
        if (label.length() >= EditionDescriptor.LABEL_LEN) {
            refuse(
                    Kind.DECLARATION,
                    editions.getFirst().name(),
                    "%s is longer than the %d characters that a function's label may have"
                            .formatted(label, EditionDescriptor.LABEL_LEN - 1));
        }
        LoadedObject object = new LoadedObject(0, 0);
        if (!symbol.object().isEmpty()) {
            LoadedObject loaded = target.modules().get(symbol.object());
            if (loaded == null) {
                refuse(Kind.NO_SYMBOL, label, "module " + symbol.object() + " is not loaded any more");
            } else {
                object = loaded;
            }
        }
        List<DeclaredEdition> sorted = editions.stream()
                .sorted(Comparator.comparingInt(DeclaredEdition::number))
                .toList();
        for (int i = 1; i < sorted.size(); i++) {
            DeclaredEdition one = sorted.get(i - 1);
            DeclaredEdition other = sorted.get(i);
            if (one.number() == other.number()) {
                refuse(
                        Kind.DECLARATION,
                        other.name(),
                        "%s is an edition of %s with the same number %d; give one of them another one"
                                .formatted(one.name(), label, one.number()));
            }
        }
        return new LinkedFunction(label, name, symbol, object, sorted);
    }

    private Map<NeededSymbol, Long> addresses(Resolver resolver, List<LinkedFunction> functions) {
        Set<String> objects = new HashSet<>();
        functions.forEach(function -> objects.add(function.symbol().object()));
        SequencedMap<NeededSymbol, Long> addresses = new LinkedHashMap<>();
        for (NeededSymbol needed : file.needed()) {
            Optional<Resolver.Found> found = resolver.resolve(needed);
            if (found.isEmpty()) {
                continue;
            }
            KernelSymbol symbol = found.get().symbol();
            if (!symbol.object().isEmpty() && !objects.equals(Set.of(symbol.object()))) {
                refuse(
                        Kind.MODULE_LIFETIME,
                        needed.name(),
                        "it is in module %s, which could be unloaded while editions of other functions use it;"
                                        .formatted(symbol.object())
                                + " only a file with editions of that module's functions alone may");
            }
            addresses.put(needed, symbol.address());
        }
        return addresses;
    }

    private void checkPrototypes(List<LinkedFunction> functions) {
        for (LinkedFunction function : functions) {
            for (DeclaredEdition edition : function.editions()) {
                switch (prototypes.compare(
                        edition.name(), function.name(), function.symbol().object())) {
                    case Prototypes.Verdict.Same _ -> {}
                    case Prototypes.Verdict.Different(String how) ->
                        refuse(
                                Kind.PROTOTYPE,
                                edition.name(),
                                "it is called as %s is, but %s".formatted(function.label(), how));
                    case Prototypes.Verdict.Unknown(String why) ->
                        notes.add("%s: whether it has the prototype of %s was not checked: %s"
                                .formatted(edition.name(), function.label(), why));
                }
            }
        }
    }

    // ---- What is added ----

    /** The words by which the dispatchers know calls of the original. */
    private int markers(List<LinkedFunction> functions) {
        int size = functions.size() * Long.BYTES;
        int section = editor.addSection(
                ".kmolt.data", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_WRITE, Long.BYTES, new byte[size]);
        return editor.addSymbol("kmolt_markers", Elf.STB_LOCAL, Elf.STT_OBJECT, section, 0, size);
    }

    private void addOriginals(StubCode stubs, List<LinkedFunction> functions, int markers) {
        for (int i = 0; i < functions.size(); i++) {
            LinkedFunction function = functions.get(i);
            List<Integer> calls = file.originals().entrySet().stream()
                    .filter(call -> function.editions().contains(call.getValue()))
                    .map(Map.Entry::getKey)
                    .toList();
            if (calls.isEmpty()) {
                continue;
            }
            long entry = function.symbol().address();
            ElfSymbol all = editor.symbol(markers);
            int marker = editor.addSymbol(
                    "kmolt_marker." + function.label(),
                    Elf.STB_LOCAL,
                    Elf.STT_OBJECT,
                    all.shndx(),
                    (long) i * Long.BYTES,
                    Long.BYTES);
            int stub = stubs.original(
                    "kmolt_original." + function.label(),
                    marker,
                    absolute(function.label() + ".body", target.body(entry)),
                    absolute(function.label(), entry));
            ElfSymbol at = editor.symbol(stub);
            for (int call : calls) {
                editor.setSymbol(
                        call,
                        new ElfSymbol(
                                call,
                                editor.symbol(call).name(),
                                Elf.STB_LOCAL,
                                Elf.STT_FUNC,
                                0,
                                at.shndx(),
                                at.value(),
                                at.size()));
            }
        }
    }

    private int absolute(String name, long address) {
        return editor.addSymbol("kmolt." + name, Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, address, 0);
    }

    /** No stub touches the stack. */
    private void addUnwindData(StubCode stubs) {
        OrcTable orc = new OrcTable(file.elf(), editor);
        int start = editor.addSymbol("kmolt_stubs", Elf.STB_LOCAL, Elf.STT_NOTYPE, stubs.section(), 0, 0);
        orc.add(start, 0, OptionalInt.of(OrcTable.CALLED));
        orc.add(start, stubs.size(), OptionalInt.empty());
        orc.finish();
    }

    private SequencedMap<String, String> info() {
        SequencedMap<String, String> info = new LinkedHashMap<>();
        info.put("name", moduleName());
        String depends = file.elf().modinfo("depends").orElse("");
        info.put("depends", depends.isEmpty() ? "kmolt" : "kmolt," + depends);
        return info;
    }

    private List<EditionUpdate.Function> summary(List<LinkedFunction> functions) {
        return functions.stream()
                .map(function -> new EditionUpdate.Function(
                        function.label(),
                        function.name(),
                        function.symbol().object(),
                        function.symbol().address(),
                        function.editions().stream()
                                .map(edition -> new EditionUpdate.Edition(edition.number(), edition.name()))
                                .toList()))
                .toList();
    }
}
