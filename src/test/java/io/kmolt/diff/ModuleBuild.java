package io.kmolt.diff;

import io.kmolt.elf.Corpus;
import io.kmolt.lab.KernelCache;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Builds real modules with the kernel's own build system, in a folder of its own. */
final class ModuleBuild {
    private static final Path ROOT = Path.of(System.getProperty("kmolt.home", "."));

    private final Path folder;
    private final String module;

    private ModuleBuild(Path folder, String module) {
        this.folder = folder;
        this.module = module;
    }

    /** The example's first version. */
    static ModuleBuild ofExample(Path folder) throws IOException {
        copy(ROOT.resolve("examples/chardev/v1"), folder);
        return new ModuleBuild(folder, "greeter");
    }

    /** A file system of the kernel, out of the sources that tests/fixtures/build has unpacked. */
    static ModuleBuild ofKernel(String module, Path folder) throws IOException {
        Path sources = KernelCache.ofUser().root().resolve("fixtures/sources");
        try (Stream<Path> trees = Files.list(sources)) {
            Path tree = trees.filter(t -> t.getFileName().toString().startsWith("linux-source-6.1"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no source in " + sources + ": run `make fixtures`"));
            copy(tree.resolve("fs").resolve(module), folder);
        }
        return new ModuleBuild(folder, module);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(
                            f -> f.toString().endsWith(".c") && !f.toString().endsWith(".mod.c"))
                    .sorted()
                    .toList();
        }
    }

    Path makefile() {
        Path kbuild = folder.resolve("Kbuild");
        return Files.exists(kbuild) ? kbuild : folder.resolve("Makefile");
    }

    /**
     * The module; empty if it does not compile.
     *
     * @param options further arguments of make
     */
    Optional<byte[]> build(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "make",
                "-s",
                "-C",
                headers().toString(),
                "M=" + folder,
                "KCFLAGS=-w -I" + ROOT.resolve("include").toAbsolutePath(),
                "modules"));
        command.addAll(List.of(options));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Path result = folder.resolve(module + ".ko");
        boolean built = process.waitFor() == 0 && Files.exists(result);
        if (!built && !output.contains("error:") && !output.contains("ERROR:")) {
            throw new AssertionError("the build failed:\n" + output);
        }
        return built ? Optional.of(Files.readAllBytes(result)) : Optional.empty();
    }

    private static Path headers() {
        Path installed = Path.of("/usr/src/linux-headers-" + Corpus.BOOKWORM);
        return Files.exists(installed.resolve("Module.symvers")) ? installed : Corpus.headers(Corpus.BOOKWORM);
    }
}
