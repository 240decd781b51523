package io.kmolt.cli;

import io.kmolt.swap.CoreState;
import io.kmolt.swap.JournalEntry;
import io.kmolt.swap.Owner;
import io.kmolt.swap.Status;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwappedModule;
import io.kmolt.target.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt status}: the core of a target, and what it has swapped. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the core of a target, and every module that has editions, in detail.",
            "Reads what the kernel tells in /sys/kernel/kmolt, and what the journal says of it; changes nothing."
        },
        footer = {
            "",
            "States of an edition: enrolled (loaded), staged (ready), current (answers), superseded (another one",
            "answers in its place), retired (reverted, still in memory).",
            "",
            "Examples:",
            "  kmolt status",
            "  kmolt status -t lab:a ext4",
            "",
            "Exit status: 0 done, also if nothing is swapped; 2 usage; 3 the module is not loaded;",
            "5 the target cannot be reached."
        })
final class StatusCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..1", paramLabel = "MODULE", description = "show only this one")
    @Nullable
    String module;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        try (Target opened = target.open()) {
            Status status = module == null ? Status.ofAll(opened) : Status.of(opened, module);
            output.print(spec, status, out -> describe(out, status));
        }
        return ExitCode.OK;
    }

    private static void describe(PrintWriter out, Status status) {
        status.unfinished().forEach(what -> out.println("UNFINISHED: " + what));
        CoreState core = status.core();
        if (!core.loaded()) {
            out.println("core on " + status.target() + ": not loaded; nothing is swapped");
            return;
        }
        out.printf(
                "core on %s: version %s, ABI %s, build-id %s%n",
                status.target(), core.version(), core.abi(), core.buildId());
        out.printf("  boot      %s%n", core.bootId());
        out.printf("  owner     %s%n", new Owner(core.owner()));
        if (status.modules().isEmpty() && core.editions().isEmpty()) {
            out.println("nothing has editions");
        }
        status.modules()
                .forEach(module -> describe(
                        out, module, Optional.ofNullable(status.changes().get(module.name()))));
        core.editions().forEach(editions -> Texts.functions(out, editions));
        core.switches().forEach((name, value) -> out.printf("switch %s: %d%n", name, value));
    }

    private static void describe(PrintWriter out, SwappedModule module, Optional<JournalEntry> change) {
        out.printf("%s: %s%n", module.name(), Texts.answers(module.current()));
        if (!module.current().equals("base")) {
            out.printf("  build     %s%n", Texts.build(module.buildId(), module.version(), module.srcversion()));
        }
        if (module.since() != 0) {
            out.printf("  since     %s, by %s%n", Instant.ofEpochSecond(module.since()), by(module, change));
        }
        if (!module.current().equals("base")) {
            out.printf("  revert    leads to %s%n", Texts.wayBack(module));
        }
        out.printf("  commits   %d%n", module.commits());
        Texts.editions(out, module.editions());
    }

    /** As the journal says; else as the core does, which knows the process only. */
    private static String by(SwappedModule module, Optional<JournalEntry> change) {
        if (change.isPresent()) {
            return Texts.who(change.get());
        }
        String[] words = module.by().split(" ", 3);
        return words.length < 3 ? "somebody" : "uid " + words[1] + ", pid " + words[0] + " (" + words[2] + ")";
    }
}
