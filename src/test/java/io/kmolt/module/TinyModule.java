package io.kmolt.module;

import io.kmolt.elf.ElfException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Compiles little kernel modules from C text, with the options of the kernel's {@code Makefile} that shape code and
 * relocations. No kernel headers are involved; the module is real enough to be read, compared and linked.
 */
public final class TinyModule {
    /** The offsets of {@code init} and {@code exit} are as good as any; what matters is that there are relocations. */
    private static final String HEADER = """
            struct module {
                char state[24]; char name[56]; char before[232]; int (*init)(void);
                char between[528]; void (*exit)(void); char after[40];
            } __attribute__((aligned(64)));
            int init_module(void);
            void cleanup_module(void);
            #define __init __attribute__((section(".init.text")))
            #define __exit __attribute__((section(".exit.text")))
            #define notrace __attribute__((no_instrument_function))
            #define noinline __attribute__((noipa))
            #define __cold __attribute__((cold))
            #define EXPORT(symbol, crc) asm( \\
                ".section __ksymtab_strings, \\"aMS\\", @progbits, 1\\n" \\
                "__kstrtab_" #symbol ": .asciz \\"" #symbol "\\"\\n.previous\\n" \\
                ".section __ksymtab, \\"a\\"\\n.balign 4\\n__ksymtab_" #symbol ":\\n" \\
                ".long " #symbol " - ., __kstrtab_" #symbol " - ., 0\\n.previous\\n" \\
                ".section __kcrctab, \\"a\\"\\n.balign 4\\n__crc_" #symbol ": .long " #crc "\\n.previous\\n")
            #define VERSION(symbol, sum) static const struct { unsigned long crc; char name[56]; } version_##symbol \\
                __attribute__((section("__versions"), used)) = { sum, #symbol }
            int import_a(int);
            int import_b(int);
            int printk(const char *, ...);
            #line 1
            """;

    private static final List<String> COMPILE = List.of(
            "gcc",
            "-r",
            "-nostdlib",
            "-Wl,--build-id",
            "-O2",
            "-std=gnu11",
            "-w",
            "-mcmodel=kernel",
            "-fno-pic",
            "-fno-pie",
            "-mno-red-zone",
            "-ffreestanding",
            "-fcf-protection=none",
            "-fno-asynchronous-unwind-tables",
            "-fno-stack-protector",
            "-fno-strict-aliasing",
            "-fno-common",
            "-fno-jump-tables",
            "-pg",
            "-mfentry",
            "-mrecord-mcount",
            "-mgeneral-regs-only");

    private TinyModule() {}

    /** A module named {@code tiny}, of one or more compilation units. */
    public static KernelModule compile(String... units) {
        return compile("tiny", List.of(), units);
    }

    /**
     * Compiles and links.
     *
     * @param name the module's name
     * @param options further options of the compiler
     * @param units C text of each compilation unit
     */
    public static KernelModule compile(String name, List<String> options, String... units) {
        try {
            return KernelModule.parse(name + ".ko", build(name, options, units));
        } catch (ModuleException | ElfException e) {
            throw new AssertionError("what was compiled is not a module", e);
        }
    }

    /** The file. */
    public static byte[] build(String name, List<String> options, String... units) {
        try {
            Path folder = Files.createTempDirectory("tiny-module");
            try {
                return build(folder, name, options, units);
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] build(Path folder, String name, List<String> options, String... units) throws IOException {
        List<String> command = new ArrayList<>(COMPILE);
        command.addAll(options);
        for (int i = 0; i < units.length; i++) {
            Path source = folder.resolve("unit%d.c".formatted(i));
            String end = i + 1 < units.length ? "" : footer(name, String.join("", units));
            Files.writeString(source, HEADER + units[i] + end);
            command.add(source.toString());
        }
        Path result = folder.resolve(name + ".ko");
        command.addAll(List.of("-o", result.toString()));
        run(folder, command);
        return Files.readAllBytes(result);
    }

    private static String footer(String name, String source) {
        return """
                static const char modinfo_name[] __attribute__((section(".modinfo"), used, aligned(1))) = "name=%s";
                struct module __this_module __attribute__((section(".gnu.linkonce.this_module"), used)) =
                    { .name = "%s", %s %s };
                """.formatted(
                        name,
                        name,
                        source.contains("init_module") ? ".init = init_module," : "",
                        source.contains("cleanup_module") ? ".exit = cleanup_module" : "");
    }

    private static void run(Path folder, List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new AssertionError("gcc failed:\n" + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
