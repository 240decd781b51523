package io.kmolt.cli;

import io.kmolt.module.ModuleSummary;
import io.kmolt.swap.LoadedModule;
import io.kmolt.swap.LoadedModule.InstalledFile;
import io.kmolt.swap.ModuleFiles;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt info}: a module, loaded or as a file. */
@Command(
        name = "info",
        mixinStandardHelpOptions = true,
        description = {
            "Shows a loaded module and which build of it answers now, or what is in a module's file.",
            "What contains a / or ends in .ko is a file of this machine; anything else is a loaded module's name."
        },
        footer = {
            "",
            "Examples:",
            "  kmolt info ext4             the loaded ext4 of this machine",
            "  kmolt info -t lab:a ext4    that of a guest",
            "  kmolt info ./ext4.ko        a file",
            "",
            "Exit status: 0 done; 2 usage; 3 not loaded, or the file cannot be read; 5 the target cannot be reached."
        })
final class InfoCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "MODULE|FILE", description = "name of a loaded module, or a module's file")
    String name = "";

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        if (isFile(name)) {
            ModuleSummary file = ModuleFiles.summary(Path.of(name));
            output.print(spec, file, out -> describe(out, file));
            return ExitCode.OK;
        }
        try (Target opened = target.open()) {
            LoadedModule module = LoadedModule.of(opened, name);
            output.print(spec, module, out -> describe(out, module));
        }
        return ExitCode.OK;
    }

    /** Compressed files, too, are files: what is said of them helps more than that no such module is loaded. */
    private static boolean isFile(String name) {
        return name.contains("/") || name.matches(".*\\.ko(\\.(xz|zst|gz))?");
    }

    private static void describe(PrintWriter out, ModuleSummary file) {
        out.printf(
                "%s: module %s, %d bytes%s%n", file.file(), file.name(), file.size(), file.signed() ? ", signed" : "");
        out.printf("  build     %s%n", Texts.build(file.buildId(), file.version(), file.srcversion()));
        out.printf("  vermagic  %s%n", file.vermagic());
        out.printf(
                "  code      %s, %d of them traceable%n", Texts.count(file.functions(), "function"), file.traceable());
        out.printf(
                "  data      %s, %s%n", Texts.count(file.variables(), "variable"), Texts.count(file.tables(), "table"));
        out.printf(
                "  symbols   %s, %s%n", Texts.count(file.exports(), "export"), Texts.count(file.imports(), "import"));
        out.printf(
                "  sections  %s (bytes)%n",
                file.sections().entrySet().stream()
                        .map(e -> e.getKey().name().toLowerCase(Locale.ROOT) + " " + e.getValue())
                        .collect(Collectors.joining(", ")));
    }

    private static void describe(PrintWriter out, LoadedModule module) {
        out.printf(
                "%s on %s: %s, %d bytes, in use %s times%s%n",
                module.name(),
                module.target(),
                module.state().toLowerCase(Locale.ROOT),
                module.size(),
                module.references(),
                module.holders().isEmpty() ? "" : ", by " + String.join(", ", module.holders()));
        LoadedModule.Build base = module.base();
        LoadedModule.Build current = module.current();
        out.printf("  base      %s%n", Texts.build(base.buildId(), base.version(), base.srcversion()));
        out.printf(
                "  now       %s%s%n",
                Texts.answers(current.who()),
                current.equals(base)
                        ? ""
                        : ", " + Texts.build(current.buildId(), current.version(), current.srcversion()));
        Texts.editions(out, module.editions());
        out.printf("  modprobe  %s%n", installed(module.installed()));
    }

    private static String installed(InstalledFile file) {
        if (!file.problem().isEmpty()) {
            return (file.path().isEmpty() ? "" : file.path() + ": ") + file.problem();
        }
        String which = file.isBase() && file.isCurrent()
                ? "the build that is loaded"
                : file.isBase()
                        ? "the base's build, not the one that answers now"
                        : file.isCurrent()
                                ? "the build that answers now, not the base's"
                                : "another build: " + Texts.build(file.buildId(), "", "");
        return file.path() + ": " + which;
    }
}
