package io.kmolt.edition;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Compiles a C file with editions to a module, with the kernel's own build system ({@code Documentation/kbuild/modules.rst}).
 *
 * @param include the folder with {@code kmolt.h}
 */
public record EditionBuilder(Path include) {
    private static final int TIME_LIMIT_SECONDS = 300;
    private static final Pattern FILE_NAME =
            Pattern.compile("([A-Za-z0-9_][A-Za-z0-9_-]{0," + (EditionFile.MAX_NAME - 1) + "})\\.c");

    /** What the build says although nothing is wrong: symbols to be found when linking, and make's own remarks. */
    private static final List<Predicate<String>> NOISE = List.of(
            Pattern.compile("^(ERROR|WARNING): modpost: .* undefined!$").asPredicate(),
            Pattern.compile("^WARNING: modpost: suppressed \\d+ unresolved symbol warnings")
                    .asPredicate(),
            Pattern.compile("^Skipping BTF generation for ").asPredicate(),
            Pattern.compile("^make(\\[\\d+\\])?: ").asPredicate());

    /** The builder with the {@code kmolt.h} of the folder that kmolt runs from. */
    public static EditionBuilder ofHome() {
        return new EditionBuilder(Path.of(System.getProperty("kmolt.home", ".")).resolve("include"));
    }

    /**
     * A finished module.
     *
     * @param module the file
     * @param messages what the compiler said, a line each; empty if it had nothing to say
     */
    public record Built(Path module, List<String> messages) {}

    /**
     * Compiles.
     *
     * @param source the C file; other files of its folder may be included
     * @param headers a kernel's build folder, as {@code /lib/modules/VERSION/build}
     * @param out where the module goes; replaced if it is there
     * @throws EditionException if the file's name does not do, there are no such headers, or the compiler says no, with
     *     what it said
     * @throws IOException if a file cannot be read or written
     */
    public Built build(Path source, Path headers, Path out) throws EditionException, IOException {
        String name = name(source);
        if (!Files.isRegularFile(headers.resolve("Makefile"))) {
            throw EditionException.unfit(headers + ": there are no kernel headers to build with");
        }
        Path folder = Files.createTempDirectory("kmolt-edition-");
        try {
            prepare(folder, source, name);
            List<String> said = make(folder, source, headers);
            Path module = folder.resolve(name + ".ko");
            if (!Files.isRegularFile(module)) {
                throw EditionException.unfit(
                        said.isEmpty()
                                ? source + " does not compile, and the compiler does not say why"
                                : source + " does not compile:\n" + String.join("\n", said));
            }
            Path target = out.toAbsolutePath();
            Path part = target.resolveSibling("." + target.getFileName() + ".part");
            Files.copy(module, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
            return new Built(out, said);
        } finally {
            delete(folder);
        }
    }

    /** The module's name, which is that of the update as well. */
    private static String name(Path source) throws EditionException {
        String file = String.valueOf(source.getFileName());
        Matcher name = FILE_NAME.matcher(file);
        if (!name.matches()) {
            throw EditionException.unfit(
                    ("%s: the update is named after its file, which must therefore be called NAME.c"
                                    + " with at most %d letters, digits, _ and - in NAME")
                            .formatted(source, EditionFile.MAX_NAME));
        }
        if (!Files.exists(source)) {
            throw EditionException.unfit(source + ": there is no such file");
        }
        if (!Files.isRegularFile(source)) {
            throw EditionException.unfit(source + ": is no regular file");
        }
        return name.group(1);
    }

    /** Links stand for the other folders, as make cannot take a path with a space in it. */
    private void prepare(Path folder, Path source, String name) throws IOException {
        Files.copy(source, folder.resolve(name + ".c"));
        Files.createSymbolicLink(folder.resolve("include"), include.toAbsolutePath());
        Files.createSymbolicLink(folder.resolve("source"), folderOf(source).toAbsolutePath());
        Files.writeString(folder.resolve("Kbuild"), """
                obj-m := %s.o
                ccflags-y := -iquote %s/source -I%s/include
                """.formatted(name, folder, folder));
    }

    private static Path folderOf(Path source) {
        Path parent = source.getParent();
        return parent == null ? Path.of("") : parent;
    }

    private List<String> make(Path folder, Path source, Path headers) throws IOException, EditionException {
        Path log = folder.resolve("build.log");
        ProcessBuilder builder = new ProcessBuilder(
                        "make",
                        "-s",
                        "-C",
                        headers.toAbsolutePath().toString(),
                        "M=" + folder,
                        "KBUILD_MODPOST_WARN=1",
                        // So that equal files give equal modules, wherever they are compiled.
                        "KCFLAGS=-ffile-prefix-map=" + folder + "=.",
                        "modules")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().keySet().removeIf(key -> key.equals("MAKEFLAGS") || key.equals("MAKELEVEL"));
        run(builder, source);
        String ownFolder = folderOf(source).toString();
        String shown = ownFolder.isEmpty() ? "" : ownFolder + "/";
        return Files.readString(log, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> NOISE.stream().noneMatch(noise -> noise.test(line)))
                .map(line -> line.replace(folder + "/include/", include + "/")
                        .replace(folder + "/source/", shown)
                        .replace(folder + "/", shown))
                .toList();
    }

    private static void run(ProcessBuilder builder, Path source) throws IOException, EditionException {
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw EditionException.unfit("make cannot be run (Debian: apt install make gcc): " + e.getMessage());
        }
        try {
            if (!process.waitFor(TIME_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw EditionException.unfit(
                        "%s: the build was not done after %d s".formatted(source, TIME_LIMIT_SECONDS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while building " + source, e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
