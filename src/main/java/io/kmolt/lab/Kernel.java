package io.kmolt.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * One unpacked distribution kernel.
 *
 * @param version as {@code uname -r} says it, such as {@code 6.1.0-56-amd64}
 * @param folder the unpacked package's root
 */
public record Kernel(String version, Path folder) {
    /** The compressed kernel. */
    public Path image() {
        return folder.resolve("boot/vmlinuz-" + version);
    }

    /** {@code lib/modules/VERSION}, with {@code modules.dep}. */
    public Path modules() {
        return folder.resolve("lib/modules").resolve(version);
    }

    /** The headers for building modules against this kernel; there only when they were fetched as well. */
    public Path headers() {
        return folder.resolve("usr/src/linux-headers-" + version);
    }

    boolean isComplete() {
        return Files.isRegularFile(image()) && Files.isRegularFile(modules().resolve("modules.dep"));
    }

    /**
     * A module's file.
     *
     * @param module its name, with {@code _} or {@code -}
     * @throws LabException when this kernel has no such module
     */
    public Path module(String module) throws IOException {
        for (String line : Files.readAllLines(modules().resolve("modules.dep"))) {
            String file = line.substring(0, line.indexOf(':'));
            if (moduleName(file).equals(module.replace('-', '_'))) {
                return modules().resolve(file);
            }
        }
        throw new LabException("kernel " + version + " has no module " + module);
    }

    /**
     * The files to load for some modules, in the order in which to load them; what is built in is left out.
     *
     * @throws LabException when this kernel has no such module
     */
    List<Path> loadOrder(List<String> wanted) throws IOException {
        List<String> lines = Files.readAllLines(modules().resolve("modules.dep"));
        List<String> builtIn = Files.readAllLines(modules().resolve("modules.builtin"));
        SequencedSet<Path> files = new LinkedHashSet<>();
        for (String module : wanted) {
            if (builtIn.stream().anyMatch(file -> moduleName(file).equals(module))) {
                continue;
            }
            String line = lines.stream()
                    .filter(l -> moduleName(l.substring(0, l.indexOf(':'))).equals(module))
                    .findFirst()
                    .orElseThrow(() -> new LabException("kernel " + version + " has no module " + module));
            // "a.ko: b.ko c.ko": what stands last has to be loaded first (modules.dep(5)).
            List<String> chain =
                    new ArrayList<>(Arrays.asList(line.replaceFirst(":", "").split(" ")));
            chain.reversed().forEach(file -> files.add(modules().resolve(file)));
        }
        return List.copyOf(files);
    }

    private static String moduleName(String file) {
        String name = file.substring(file.lastIndexOf('/') + 1);
        return name.replaceFirst("\\.ko(\\.\\w+)?$", "").replace('-', '_');
    }
}
