package io.kmolt.edition;

import io.kmolt.edition.EditionTarget.LoadedObject;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.target.CommandResult;
import io.kmolt.target.ShellQuote;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Asks a running kernel for what editions refer to, and for no more. */
public final class Symbols {
    private static final int MOST_SIMILAR = 5;
    private static final int HEX = 16;
    private static final String CORE = "kmolt";
    private static final List<String> EDGES = List.of("__init_begin", "__init_end");

    /** {@code NAME SIZE REFERENCES HOLDERS STATE ADDRESS}, with a comma behind each holder (kernel/module/procfs.c). */
    private static final String MODULES = "/proc/modules";

    /** From Linux 6.5 on: address and name of every function with an ftrace site; the address is the site's. */
    private static final String SITES = "/sys/kernel/tracing/available_filter_functions_addrs";

    private Symbols() {}

    /**
     * Asks for what a file needs to be linked.
     *
     * @param core the core that is, or will be, loaded there
     */
    public static EditionTarget ask(Target target, EditionFile file, KernelModule core) throws TargetException {
        // First: where a module is loaded anew meanwhile, the core meets the number of a load that is over.
        Map<String, Long> loads = loads(target);
        List<String> names = new ArrayList<>(file.names());
        names.addAll(EDGES);
        Map<String, List<KernelSymbol>> symbols = withoutOwn(target, symbols(target, names));
        Map<String, List<String>> similar = new HashMap<>();
        for (DeclaredEdition edition : file.editions()) {
            if (!symbols.containsKey(edition.function())) {
                similar.put(edition.function(), similar(target, edition.function()));
            }
        }
        return new EditionTarget(
                target.readText("/proc/sys/kernel/random/boot_id"),
                symbols,
                similar,
                modules(target, loads, symbols.values()),
                bodies(target, file, symbols),
                core);
    }

    /**
     * Without those of kmolt itself. Its modules are told by what they use, as other people's modules may have any name:
     * the core, and whatever the core is needed by.
     */
    private static Map<String, List<KernelSymbol>> withoutOwn(Target target, Map<String, List<KernelSymbol>> symbols)
            throws TargetException {
        boolean inModules = symbols.values().stream()
                .flatMap(List::stream)
                .anyMatch(symbol -> !symbol.object().isEmpty());
        if (!inModules) {
            return symbols;
        }
        Set<String> own = new HashSet<>();
        for (String line : target.readText(MODULES).lines().toList()) {
            String[] words = line.split(" ");
            if (words[0].equals(CORE)) {
                own.add(CORE);
                own.addAll(List.of(words[3].split(",")));
            }
        }
        Map<String, List<KernelSymbol>> others = new LinkedHashMap<>();
        symbols.forEach((name, all) -> {
            List<KernelSymbol> left = all.stream()
                    .filter(symbol -> !own.contains(symbol.object()))
                    .toList();
            if (!left.isEmpty()) {
                others.put(name, left);
            }
        });
        return others;
    }

    /** What {@code /proc/kallsyms} has under some names, in its order; names that it does not have are left out. */
    static Map<String, List<KernelSymbol>> symbols(Target target, Collection<String> names) throws TargetException {
        Map<String, List<KernelSymbol>> symbols = new LinkedHashMap<>();
        Set<String> wanted = new HashSet<>(names);
        for (String line : grep(target, "grep -Fw", names, "/proc/kallsyms")) {
            Line read = Line.parse(line);
            if (wanted.contains(read.name())) {
                symbols.computeIfAbsent(read.name(), _ -> new ArrayList<>()).add(read.symbol());
            }
        }
        return symbols;
    }

    /** Functions whose name contains another: what the compiler or a macro has made of it. */
    private static List<String> similar(Target target, String name) throws TargetException {
        return grep(target, "grep -F", List.of(name), "/proc/kallsyms").stream()
                .map(Line::parse)
                .filter(line -> line.symbol().isFunction() && line.name().contains(name))
                .map(Line::name)
                .filter(found -> !found.startsWith("__pfx_"))
                .distinct()
                .limit(MOST_SIMILAR)
                .toList();
    }

    /** By module, which load of it this is: {@link RunningModule#load}. Code that is built in may be among them. */
    private static Map<String, Long> loads(Target target) throws TargetException {
        Map<String, Long> loads = new HashMap<>();
        String listed = target.run("cd /sys/module/ && stat -c '%i %n' *", Target.DEFAULT_TIMEOUT)
                .stdout();
        for (String line : listed.lines().toList()) {
            String[] words = line.split(" ");
            loads.put(words[1], Long.parseLong(words[0]));
        }
        return loads;
    }

    private static Map<String, LoadedObject> modules(
            Target target, Map<String, Long> loads, Collection<List<KernelSymbol>> symbols) throws TargetException {
        Set<String> objects = symbols.stream()
                .flatMap(List::stream)
                .map(KernelSymbol::object)
                .filter(object -> !object.isEmpty())
                .collect(Collectors.toSet());
        Map<String, LoadedObject> modules = new HashMap<>();
        if (objects.isEmpty()) {
            return modules;
        }
        for (String line : target.readText(MODULES).lines().toList()) {
            String[] words = line.split(" ");
            if (objects.contains(words[0])) {
                long address = Long.parseUnsignedLong(words[5].substring(2), HEX);
                modules.put(words[0], new LoadedObject(address, loads.getOrDefault(words[0], 0L)));
            }
        }
        return modules;
    }

    /** Where the site is not at the beginning, as behind {@code endbr64}. No older kernel that kmolt supports has that. */
    private static Map<Long, Long> bodies(Target target, EditionFile file, Map<String, List<KernelSymbol>> symbols)
            throws TargetException {
        Map<Long, Long> bodies = new HashMap<>();
        if (!target.exists(SITES)) {
            return bodies;
        }
        List<Long> functions = file.editions().stream()
                .flatMap(edition -> symbols.getOrDefault(edition.function(), List.of()).stream())
                .map(KernelSymbol::address)
                .distinct()
                .toList();
        // A site is at most 4 bytes behind the beginning, and functions are aligned to 16.
        List<String> prefixes = functions.stream()
                .map(address -> "%016x".formatted(address))
                .map(text -> text.substring(0, text.length() - 1))
                .toList();
        for (String line : grep(target, "grep -F", prefixes, SITES)) {
            long site = Long.parseUnsignedLong(line.substring(0, line.indexOf(' ')), HEX);
            nearest(functions, site).ifPresent(address -> bodies.put(address, site + EditionTarget.SITE_SIZE));
        }
        return bodies;
    }

    private static Optional<Long> nearest(List<Long> functions, long site) {
        return functions.stream()
                .filter(address -> site - address >= 0 && site - address <= Integer.BYTES)
                .findFirst();
    }

    /** Exit status 1 only says that there was nothing. */
    private static List<String> grep(Target target, String command, Collection<String> texts, String file)
            throws TargetException {
        if (texts.isEmpty()) {
            return List.of();
        }
        List<String> words = new ArrayList<>();
        for (String text : texts) {
            words.add("-e");
            words.add(text);
        }
        CommandResult result = target.run(command + " " + ShellQuote.words(words) + " " + file, Target.DEFAULT_TIMEOUT);
        if (result.status() > 1) {
            throw new TargetException(target.describe() + ": " + file + " cannot be searched: "
                    + result.stderr().strip());
        }
        return result.stdout().lines().toList();
    }

    /** {@code ffffffff81234560 t pipe_write}, with a tab and {@code [MODULE]} behind it for a module's. */
    record Line(String name, KernelSymbol symbol) {
        static Line parse(String line) {
            String[] words = line.split("\\s+");
            String object = words.length > 3 ? words[3].substring(1, words[3].length() - 1) : "";
            return new Line(
                    words[2], new KernelSymbol(Long.parseUnsignedLong(words[0], HEX), words[1].charAt(0), object));
        }
    }
}
