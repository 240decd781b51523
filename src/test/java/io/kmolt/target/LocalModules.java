package io.kmolt.target;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Loads and unloads a module through {@link LocalTarget} and prints what happens; to be run in a guest only. */
final class LocalModules {
    private LocalModules() {}

    public static void main(String[] args) throws IOException {
        byte[] ko = Files.readAllBytes(Path.of(args[0]));
        try (Target target = new LocalTarget()) {
            String log = target.insertModule(ko, "loop", "max_loop=2");
            System.out.println(log.contains("loop: module loaded") ? "loaded" : "the log says: " + log);
            printLoadError(target, ko);
            InputStream device = Files.newInputStream(Path.of("/dev/loop0"));
            printUnloadError(target);
            device.close();
            target.removeModule("loop");
            System.out.println(target.exists("/sys/module/loop") ? "still there" : "unloaded");
            printUnloadError(target);
            ko[4] = 1; // no longer what was signed
            printLoadError(target, ko);
        }
    }

    private static void printLoadError(Target target, byte[] ko) throws IOException {
        try {
            target.insertModule(ko, "loop", "");
        } catch (ModuleLoadException e) {
            System.out.println(e.errno());
        }
    }

    private static void printUnloadError(Target target) throws IOException {
        try {
            target.removeModule("loop");
        } catch (ModuleUnloadException e) {
            System.out.println(e.errno());
        }
    }
}
