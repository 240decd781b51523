package io.kmolt.swap;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Comparison;
import io.kmolt.diff.Comparison.Change;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Types;
import io.kmolt.elf.ElfException;
import io.kmolt.link.Held;
import io.kmolt.link.Layer;
import io.kmolt.link.LinkException;
import io.kmolt.link.LinkInput;
import io.kmolt.link.Linker;
import io.kmolt.link.Pads;
import io.kmolt.link.Update;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.SectionKind;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Hot-swaps a loaded module: identify, compare, link, stage, commit, verify, record. */
public final class Swap {
    private final Target target;
    private final String module;
    private final SwapOptions options;
    private final Progress progress;
    private final String release;
    private final Builds builds;

    private Swap(Target target, String module, SwapOptions options, Progress progress) throws IOException {
        this.target = target;
        this.module = module;
        this.options = options;
        this.progress = progress;
        this.release = Facts.release(target);
        this.builds = new Builds(target, release);
    }

    /**
     * Replaces a loaded module by another build, while it is in use.
     *
     * @param target where
     * @param module the module's name
     * @param newFile the new build, on the machine that kmolt runs on
     * @throws SwapException if that is refused; then nothing has changed
     * @throws IOException if the target cannot be reached or behaves unexpectedly
     */
    public static SwapReport run(Target target, String module, Path newFile, SwapOptions options, Progress progress)
            throws IOException, SwapException {
        return new Swap(target, ModuleName.check(module), options, progress).run(newFile);
    }

    private SwapReport run(Path newFile) throws IOException, SwapException {
        progress.step("examining " + target.describe());
        if (options.dryRun()) {
            CoreSession.requireTidied(target);
        } else {
            CoreSession.requireFree(target);
        }
        Doctor.requireFit(target);

        progress.step("identifying " + module);
        KernelModule edition = ModuleFiles.read(newFile);
        if (edition.buildId().isEmpty()) {
            throw SwapException.unfit(newFile + ": has no build-id, by which kmolt would know it again");
        }
        KernelModule base = base();
        CoreState state = CoreState.ask(target);
        KernelModule core = Core.fitting(target, release, state);
        List<LoadedEdition> chain = state.chain(module);
        String from = chain.isEmpty() ? "" : chain.getLast().name();
        String name = "kmolt_" + abbreviated(module) + "_" + state.sequence();
        List<Loaded> loaded = loaded(base, chain);
        AttachedUsers attached = attached(state, loaded, false);
        List<AttachedUser> users = attached.atSwap(base);

        progress.step("comparing and linking");
        long start = System.nanoTime();
        List<Layer> all = compare(loaded, reverted(state), edition, attached);
        List<Layer> layers = all.subList(0, loaded.size());
        List<Layer> reverted = all.subList(loaded.size(), all.size());
        Pads pads = PadPolicy.of(target, state, module);
        Update update = link(new LinkInput(name, Facts.bootId(target), from, edition, layers, reverted, core, pads))
                .noting(PadPolicy.notes(state, module));
        long linkMillis = (System.nanoTime() - start) / 1_000_000;
        if (options.saveUpdate().isPresent()) {
            Files.write(options.saveUpdate().get(), update.image());
        }
        Comparison comparison = layers.getLast().comparison();
        if (options.dryRun()) {
            return report(
                    chain,
                    comparison,
                    update,
                    users,
                    attached.untold().stream()
                            .map(why -> why + "; a swap needs --acknowledge")
                            .toList(),
                    List.of(),
                    linkMillis,
                    new Attempts.Outcome(Reply.parse("ok"), 0),
                    "");
        }

        AttachedUsers.require(module, "swapped", users, options.acknowledge());
        attached.requireTold(module, options.acknowledge());

        // Until here the target was only asked. What has changed on it since then, the core will notice.
        Core.load(target, release);
        try (CoreSession session = CoreSession.open(target)) {
            progress.step("reading the journal");
            Journal journal = Journal.open(target, release, options.journal());
            List<String> notes = new ArrayList<>(journal.settle(CoreState.ask(target)));
            // Before it answers: the next swap needs both files, whatever becomes of this one.
            keepBuilds(base, edition, notes);
            // An edition of this build that was reverted and is still loaded answers again; unless it has variables of
            // its own, which have missed what happened meanwhile; or somebody has a site now that it redirects.
            Optional<String> again = bringsState(layers.getFirst().comparison()) || isHeld(layers)
                    ? Optional.empty()
                    : state.retired(module, edition.buildId().get(), from);
            String answering = again.orElse(name);
            JournalEntry intent = JournalEntry.intent("swap", module, answering)
                    .with("before", from.isEmpty() ? SwappedModule.BASE : from)
                    .with("buildIdBefore", answering(loaded))
                    .with("buildId", edition.buildId().get())
                    .with("fileSha256", Hashes.sha256(Files.readAllBytes(newFile)))
                    .with("updateSha256", again.isPresent() ? "" : Hashes.sha256(update.image()));
            Optional<Trial> trial = options.trial().isEmpty()
                    ? Optional.empty()
                    : Optional.of(Trial.prepare(target, session, journal, intent, options, progress));
            Attempts.Outcome outcome;
            try {
                outcome = journal.during(intent, true, notes, o -> o.reply().number("pause_ns"), () -> {
                    if (again.isEmpty()) {
                        progress.step("loading " + answering);
                        load(session, update);
                    }
                    progress.step("staging " + answering);
                    stage(session, answering);
                    requireNobodyCame(
                            session,
                            answering,
                            users,
                            attached(state, loaded, true).atSwap(base));
                    return commitAndVerify(session, answering, edition);
                });
            } catch (SwapException e) {
                if (trial.isPresent()) {
                    trial.get().cancel();
                }
                throw e;
            }
            String verified = trial.isPresent() ? trial.get().run(notes) : "";
            progress.step("dropping what is too old to go back to");
            List<String> dropped =
                    new Surplus(target, session, journal, module).drop(options.keep(), attached.inUse(), notes);
            builds.prune(CoreState.ask(target));
            notes.addAll(attached.untold());
            return report(
                    chain, comparison, update.as(answering), users, notes, dropped, linkMillis, outcome, verified);
        }
    }

    private Attempts.Outcome commitAndVerify(CoreSession session, String answering, KernelModule edition)
            throws IOException, SwapException {
        progress.step("committing");
        Attempts.Outcome committed = commit(session, answering);

        progress.step("verifying");
        verify(answering, edition);
        return committed;
    }

    private AttachedUsers attached(CoreState state, List<Loaded> loaded, boolean staged) throws IOException {
        return AttachedUsers.look(
                target, state, loaded.stream().map(l -> l.running().name()).toList(), staged);
    }

    /** Those who have attached themselves since the first look were not acknowledged by anybody. */
    private void requireNobodyCame(CoreSession session, String name, List<AttachedUser> before, List<AttachedUser> now)
            throws IOException, SwapException {
        try {
            AttachedUsers.require(module, "swapped", AttachedUsers.since(before, now), options.acknowledge());
        } catch (SwapException e) {
            discard(session, name);
            throw e;
        }
    }

    /** Later swaps need the files of these builds; without a journal, none of it is insisted on. */
    private void keepBuilds(KernelModule base, KernelModule edition, List<String> notes) throws SwapException {
        try {
            builds.keepBase(base);
            builds.keepEdition(edition);
        } catch (TargetException e) {
            if (options.journal()) {
                throw SwapException.unfit("the builds cannot be kept for later swaps: " + e.getMessage()
                        + "; nothing has changed; --no-journal swaps without that");
            }
            notes.add("the builds are not kept, so that this one must be reverted before the next swap: "
                    + e.getMessage());
        }
    }

    private static boolean isHeld(List<Layer> layers) {
        return layers.stream().anyMatch(layer -> !layer.held().by().isEmpty());
    }

    /** Build-id of what answers now. */
    private static String answering(List<Loaded> loaded) {
        return loaded.getLast().file().buildId().orElse("");
    }

    private static boolean bringsState(Comparison comparison) {
        return comparison.newObjects().stream()
                .anyMatch(i -> i.kind() == SectionKind.STATE || i.kind() == SectionKind.PERCPU);
    }

    private static String abbreviated(String module) {
        return module.length() <= 40 ? module : module.substring(0, 40);
    }

    /**
     * A build that is in the kernel.
     *
     * @param file its file
     * @param running where it is
     */
    private record Loaded(KernelModule file, RunningModule running) {}

    private List<Loaded> loaded(KernelModule base, List<LoadedEdition> chain) throws IOException, SwapException {
        List<Loaded> loaded = new ArrayList<>();
        loaded.add(new Loaded(base, Facts.running(target, module, base)));
        for (LoadedEdition edition : chain) {
            KernelModule file = builds.edition(edition.name(), edition.buildId());
            loaded.add(new Loaded(file, Facts.running(target, edition.name(), file)));
        }
        return loaded;
    }

    /** Editions that were reverted and are still there. One whose file is not, the core finds in the way as a whole. */
    private List<Loaded> reverted(CoreState state) throws IOException, SwapException {
        List<Loaded> reverted = new ArrayList<>();
        for (LoadedEdition edition : state.reverted(module)) {
            Optional<KernelModule> file = builds.kept(edition.buildId());
            if (file.isPresent()) {
                reverted.add(new Loaded(file.get(), Facts.running(target, edition.name(), file.get())));
            }
        }
        return reverted;
    }

    private List<Layer> compare(
            List<Loaded> loaded, List<Loaded> reverted, KernelModule edition, AttachedUsers attached)
            throws IOException, SwapException {
        List<Loaded> all = Stream.concat(loaded.stream(), reverted.stream()).toList();
        List<Types> compared = TypeSource.compareEach(
                options.images(), all.stream().map(Loaded::file).toList(), edition);
        List<Layer> layers = new ArrayList<>();
        for (Loaded one : all) {
            Types types = compared.get(layers.size());
            // The core hooks no site of what was reverted that it has not hooked already.
            Held held = layers.size() < loaded.size() ? attached.held(layers.size()) : Held.NONE;
            layers.add(new Layer(one.running(), Comparer.compare(one.file(), edition, types), types, held));
        }
        return layers;
    }

    /** The base's file, proven to be what is loaded. */
    private KernelModule base() throws IOException, SwapException {
        String loaded = Facts.buildId(target, module)
                .orElseThrow(() -> SwapException.unfit("module " + module + " is not loaded on " + target.describe()
                        + ": there is nothing to swap; modprobe or insmod loads a build"));
        if (options.base().isEmpty()) {
            return builds.base(module, loaded);
        }
        KernelModule file = ModuleFiles.read(options.base().get());
        if (!file.buildId().orElse("").equals(loaded)) {
            throw SwapException.unfit(
                    "%s is not the build of module %s that is loaded: its build-id is %s, loaded is %s; name the file that it was loaded from with --base"
                            .formatted(
                                    options.base().get(), module, file.buildId().orElse("missing"), loaded));
        }
        return file;
    }

    private Update link(LinkInput input) throws SwapException {
        try {
            return Linker.link(input);
        } catch (LinkException e) {
            throw refused(e.refusals());
        } catch (ElfException e) {
            throw SwapException.unfit("the new build cannot be rewritten: " + e.getMessage());
        }
    }

    private SwapException refused(List<Refusal> refusals) {
        return SwapException.refused("module " + module + " cannot be swapped for this build", refusals);
    }

    private void load(CoreSession session, Update update) throws IOException, SwapException {
        try {
            target.insertModule(update.image(), update.name(), "");
        } catch (ModuleLoadException e) {
            String reason = session.send("reason").value("reason", "none");
            throw SwapException.unfit(
                    "the update cannot be loaded: " + (reason.equals("none") ? e.getMessage() : reason));
        }
    }

    private void stage(CoreSession session, String name) throws IOException, SwapException {
        Reply reply = session.send("stage " + name);
        if (!reply.isOk()) {
            discard(session, name);
            throw SwapException.unfit("the update cannot be staged: " + reply.message());
        }
    }

    private Attempts.Outcome commit(CoreSession session, String name) throws IOException, SwapException {
        // When it is given up, the core takes back what was staged, once we have let go of it. It may have to wait for
        // the very CPUs and tasks that were in the way.
        Attempts.Outcome outcome = Attempts.change(session, "commit " + name, options.limits(), progress);
        Reply reply = outcome.reply();
        if (reply.isOk()) {
            return outcome;
        }
        discard(session, name);
        throw SwapException.unfit("the update cannot be committed: " + reply.message()
                + (reply.value("slot", "").isEmpty() ? "" : " (slot " + reply.value("slot", "") + ")"));
    }

    private void discard(CoreSession session, String name) throws IOException {
        session.send("discard " + name);
        try {
            target.removeModule(name);
        } catch (ModuleUnloadException e) {
            // It has answered before, so that the core keeps it until its base is unloaded.
            progress.step(name + " stays loaded");
        }
    }

    private void verify(String name, KernelModule edition) throws IOException {
        String folder = Core.SYSFS + "/modules/" + module;
        String current = target.readText(folder + "/current");
        String buildId = target.readText(folder + "/build_id");
        if (!current.equals(name) || !buildId.equals(edition.buildId().orElseThrow())) {
            throw new IOException("the core accepted " + name + " but says that " + current + " (build-id " + buildId
                    + ") answers for " + module);
        }
    }

    private SwapReport report(
            List<LoadedEdition> chain,
            Comparison comparison,
            Update update,
            List<AttachedUser> users,
            List<String> notes,
            List<String> dropped,
            long linkMillis,
            Attempts.Outcome outcome,
            String verified) {
        return new SwapReport(
                module,
                target.describe(),
                options.dryRun(),
                update.name(),
                chain.isEmpty() ? "base" : chain.getLast().name(),
                comparison.newModule().buildId().orElseThrow(),
                BuildDiff.names(Comparison.with(comparison.functions(), Change.CHANGED)),
                BuildDiff.names(comparison.newFunctions()),
                BuildDiff.names(Comparison.with(comparison.functions(), Change.GONE)),
                update.slots(),
                update.redirects(),
                update.sharedObjects(),
                Stream.concat(update.notes().stream(), notes.stream()).toList(),
                users,
                update.sticky(),
                dropped,
                linkMillis,
                outcome.reply().number("pause_ns"),
                outcome.reply().number("scan_ns"),
                outcome.reply().number("stop_ns"),
                outcome.count(),
                verified);
    }
}
