package io.kmolt.edition;

import io.kmolt.edition.EditionTarget.LoadedObject;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Compiles files with editions against a distribution's headers, and makes up kernels to link them onto. */
final class Editions {
    static final String BOOT_ID = "01234567-89ab-cdef-0123-456789abcdef";
    static final long PIPE_READ = 0xffff_ffff_8135_a000L;
    static final long PIPE_WRITE = 0xffff_ffff_8135_b000L;

    /** Stands in for the core: only its struct module, its exports and its vermagic count. */
    static final KernelModule CORE = TinyModule.compile("kmolt", List.of(), """
            static const char vermagic[] __attribute__((section(".modinfo"), used, aligned(1))) =
                "vermagic=6.1.0-56-amd64 SMP preempt mod_unload modversions ";
            int init_module(void) { return 0; }
            void cleanup_module(void) { }
            int kmolt_enroll_editions(void *e, void *m) { return 0; }
            void kmolt_withdraw_editions(void *e) { }
            int kmolt_enroll_routes(void *r, void *m) { return 0; }
            void kmolt_withdraw_routes(void *r) { }
            EXPORT(kmolt_enroll_editions, 0x11111111);
            EXPORT(kmolt_withdraw_editions, 0x22222222);
            EXPORT(kmolt_enroll_routes, 0x33333333);
            EXPORT(kmolt_withdraw_routes, 0x44444444);
            """);

    private static final String HEADER = """
            #include <kmolt.h>
            #include <linux/fs.h>
            #include <linux/uio.h>
            MODULE_LICENSE("GPL");
            #line 1
            """;

    private Editions() {}

    /** A file named {@code probe.c} with this text behind the usual includes. */
    static EditionFile compile(String text) throws EditionException {
        try {
            Path folder = Files.createTempDirectory("editions");
            try {
                Path source = folder.resolve("probe.c");
                Files.writeString(source, HEADER + text);
                return build(source, folder.resolve("probe.ko"));
            } finally {
                try (var files = Files.list(folder)) {
                    for (Path file : files.toList()) {
                        Files.delete(file);
                    }
                }
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static EditionFile build(Path source, Path out) throws EditionException, IOException {
        EditionBuilder.ofHome().build(source, Corpus.headers(Corpus.BOOKWORM), out);
        return EditionFile.read(out);
    }

    /** The example of the documentation. */
    static EditionFile pipes(Path folder) throws EditionException, IOException {
        Path source = Path.of(System.getProperty("kmolt.home"), "examples", "editions", "pipes.c");
        return build(source, folder.resolve("pipes.ko"));
    }

    static EditionUpdate link(EditionFile file, Kernel kernel) throws EditionException {
        return link(file, kernel, Prototypes.unknown("nobody asked"));
    }

    static EditionUpdate link(EditionFile file, Kernel kernel, Prototypes prototypes) throws EditionException {
        try {
            return EditionLinker.link(file, kernel.facts(), prototypes);
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }

    /** A kernel, with pipes. */
    static final class Kernel {
        private final Map<String, List<KernelSymbol>> symbols = new LinkedHashMap<>();
        private final Map<String, List<String>> similar = new HashMap<>();
        private final Map<String, LoadedObject> modules = new HashMap<>();
        private final Map<Long, Long> bodies = new HashMap<>();
        private KernelModule core = CORE;

        static Kernel withPipes() {
            return new Kernel().has("pipe_read", PIPE_READ).has("pipe_write", PIPE_WRITE);
        }

        Kernel has(String name, long address) {
            return has(name, address, 't', "");
        }

        Kernel has(String name, long address, char type, String object) {
            symbols.computeIfAbsent(name, _ -> new ArrayList<>()).add(new KernelSymbol(address, type, object));
            return this;
        }

        Kernel hasLoaded(String module, long address, long size) {
            modules.put(module, new LoadedObject(address, size));
            return this;
        }

        Kernel knowsAs(String name, String... others) {
            similar.put(name, List.of(others));
            return this;
        }

        Kernel entersBehind(long function, long body) {
            bodies.put(function, body);
            return this;
        }

        Kernel runs(KernelModule otherCore) {
            core = otherCore;
            return this;
        }

        EditionTarget facts() {
            return new EditionTarget(BOOT_ID, symbols, similar, modules, bodies, core);
        }
    }
}
