package io.kmolt.diff;

import static io.kmolt.diff.Refusal.Kind.EXPORT;
import static io.kmolt.diff.Refusal.Kind.SYMBOL_VERSION;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a module tells the loader about itself: its exports, the versions of what it imports, and its {@code .modinfo}.
 *
 * <p>An export is its name, what it leads to, its namespace, its table and its CRC ({@code struct kernel_symbol} in {@code
 * include/linux/export.h}; CRCs have the same index in a table of their own). Of {@code .modinfo} what tells builds apart
 * does not count: {@code srcversion} is a hash of the sources with their comments, {@code vermagic} is checked by the kernel
 * itself, {@code intree} says who has built it.
 */
final class Manifest {
    private static final Set<String> OF_THE_BUILD = Set.of("srcversion", "vermagic", "intree");
    private static final List<String> EXPORTS = List.of("__ksymtab", "__ksymtab_gpl");
    private static final int EXPORT_SIZE = 12;
    private static final int VERSION_SIZE = 64;
    private static final int VERSION_NAME = 8;

    private final KernelModule oldModule;
    private final KernelModule newModule;
    private final List<Refusal> refusals = new ArrayList<>();
    private final List<Difference> differences = new ArrayList<>();

    private record Export(String leadsTo, String namespace, String table, String crc) {}

    Manifest(KernelModule oldModule, KernelModule newModule) {
        this.oldModule = oldModule;
        this.newModule = newModule;
    }

    /** Whether a section is compared here. */
    static boolean isPart(ElfSection section) {
        return section.name().startsWith("__ksymtab") || section.name().startsWith("__kcrctab");
    }

    void compare() {
        exports();
        versions();
        info();
    }

    List<Refusal> refusals() {
        return refusals;
    }

    List<Difference> differences() {
        return differences;
    }

    private void exports() {
        Map<String, Export> olds = exports(oldModule);
        Map<String, Export> news = exports(newModule);
        olds.forEach((name, before) -> {
            Export now = news.get(name);
            if (now == null) {
                refusals.add(new Refusal(EXPORT, name, "is exported, and gone in the new build"));
            } else if (!now.crc().equals(before.crc())) {
                refusals.add(new Refusal(EXPORT, name, "is exported, and has another CRC in the new build"));
            } else if (!now.equals(before)) {
                refusals.add(new Refusal(EXPORT, name, "is exported in another way by the new build"));
            }
        });
        news.keySet().stream()
                .filter(name -> !olds.containsKey(name))
                .forEach(name -> differences.add(new Difference(name, "is exported by the new build only")));
    }

    private static Map<String, Export> exports(KernelModule module) {
        Map<String, Export> exports = new TreeMap<>();
        for (String table : EXPORTS) {
            ElfSection section = module.elf().section(table).orElse(null);
            if (section == null) {
                continue;
            }
            Map<Long, Reference> byOffset = new HashMap<>();
            module.references(section.index()).forEach(r -> byOffset.put(r.offset(), r));
            for (int at = 0; at + EXPORT_SIZE <= section.size(); at += EXPORT_SIZE) {
                Export export = new Export(
                        place(byOffset.get((long) at)),
                        text(module, byOffset.get(at + 8L)),
                        table,
                        crc(module, table, at / EXPORT_SIZE));
                // Nothing keeps a damaged file from exporting a name twice.
                exports.merge(
                        text(module, byOffset.get(at + 4L)),
                        export,
                        (a, b) -> new Export(a + " and " + b, "", table, ""));
            }
        }
        return exports;
    }

    private static String place(@Nullable Reference reference) {
        return switch (reference == null ? null : reference.referent()) {
            case Referent.InItem(Item item, long delta) -> form(reference) + item.name() + " + " + delta;
            case Referent.Import(String name) -> form(reference) + name;
            case null, default -> "nothing";
        };
    }

    private static String text(KernelModule module, @Nullable Reference reference) {
        return switch (reference == null ? null : reference.referent()) {
            case Referent.Anonymous place
            when isStrings(module, place.section()) ->
                form(reference) + text(module.content(place.section()), place.offset());
            case null -> "";
            default -> "something else";
        };
    }

    private static boolean isStrings(KernelModule module, int section) {
        return module.elf().sections().get(section).name().equals("__ksymtab_strings");
    }

    /** Nothing where it is the distance that it should be. */
    private static String form(@Nullable Reference reference) {
        boolean distance = reference != null && Shape.form(reference) == Elf.R_X86_64_PC32 && reference.width() == 4;
        return distance ? "" : "another form of ";
    }

    private static String text(byte[] content, long offset) {
        if (offset < 0 || offset >= content.length) {
            return "";
        }
        int end = (int) offset;
        while (end < content.length && content[end] != 0) {
            end++;
        }
        return new String(content, (int) offset, end - (int) offset, StandardCharsets.ISO_8859_1);
    }

    private static String crc(KernelModule module, String table, int index) {
        ElfSection section =
                module.elf().section(table.replace("ksymtab", "kcrctab")).orElse(null);
        int at = index * Integer.BYTES;
        if (section == null || at + Integer.BYTES > section.size()) {
            return "none";
        }
        String written = module.references(section.index(), at, at + 1L).stream()
                .map(r -> r.referent().toString())
                .collect(Collectors.joining());
        return written
                + ByteBuffer.wrap(module.content(section.index()))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getInt(at);
    }

    /** The kernel would refuse an update that imports a symbol without a version, or with another one. */
    private void versions() {
        Map<String, Long> olds = versions(oldModule);
        Map<String, Long> news = versions(newModule);
        Set<String> imports = new HashSet<>(Set.of("module_layout"));
        newModule.elf().symbols().stream()
                .filter(s -> s.isUndefined() && !s.isWeak())
                .map(ElfSymbol::name)
                .forEach(imports::add);
        olds.forEach((name, crc) -> {
            Long now = news.get(name);
            if (now == null && imports.contains(name)) {
                refusals.add(new Refusal(
                        SYMBOL_VERSION, name, "is imported by the new build, which does not say in which version"));
            } else if (now != null && !now.equals(crc)) {
                refusals.add(new Refusal(
                        SYMBOL_VERSION,
                        name,
                        "has another version in the kernel that the new build was built for (CRC %08x, was %08x)"
                                .formatted(now, crc)));
            }
        });
    }

    private static Map<String, Long> versions(KernelModule module) {
        Map<String, Long> versions = new TreeMap<>();
        for (ElfSection section : module.elf().sections()) {
            if (section.name().equals("__versions") && section.isAlloc()) {
                byte[] content = module.content(section.index());
                for (int at = 0; at + VERSION_SIZE <= content.length; at += VERSION_SIZE) {
                    byte[] entry = Arrays.copyOfRange(content, at, at + VERSION_SIZE);
                    versions.putIfAbsent(
                            text(entry, VERSION_NAME),
                            ByteBuffer.wrap(entry)
                                    .order(ByteOrder.LITTLE_ENDIAN)
                                    .getLong());
                }
            }
        }
        return versions;
    }

    private void info() {
        Map<String, List<String>> olds = info(oldModule);
        Map<String, List<String>> news = info(newModule);
        Set<String> keys = new TreeSet<>(olds.keySet());
        keys.addAll(news.keySet());
        for (String key : keys) {
            if (!olds.getOrDefault(key, List.of()).equals(news.getOrDefault(key, List.of()))) {
                differences.add(new Difference(".modinfo " + key, "is different in the new build"));
            }
        }
    }

    private static Map<String, List<String>> info(KernelModule module) {
        return module.elf().modinfo().stream()
                .filter(e -> !OF_THE_BUILD.contains(e.getKey()))
                .sorted(Map.Entry.comparingByValue())
                .collect(Collectors.groupingBy(
                        Map.Entry::getKey, Collectors.mapping(Map.Entry::getValue, Collectors.toList())));
    }
}
