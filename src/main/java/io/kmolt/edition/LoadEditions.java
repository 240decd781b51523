package io.kmolt.edition;

import io.kmolt.btf.BtfException;
import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.swap.Core;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.Doctor;
import io.kmolt.swap.Facts;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapException;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** Loads editions of functions: read, resolve, compare, link, load. No call is led to them before there is a route. */
public final class LoadEditions {
    private LoadEditions() {}

    /**
     * What was loaded.
     *
     * @param name what people call the update
     * @param target where
     * @param module its update module
     * @param functions the functions that have editions now
     * @param notes what an operator should know, although it did not stand in the way
     */
    public record Report(
            String name, String target, String module, List<EditionUpdate.Function> functions, List<String> notes) {}

    /** Sites behind an ENDBR, padded functions and listed returns are not what dispatchers are made for yet. */
    private static void requireEditions(Target target) throws IOException, SwapException {
        String release = Facts.release(target);
        if (!release.startsWith("6.1.")) {
            throw SwapException.unfit("editions of functions do not work on " + target.describe() + ": it runs "
                    + release + ", they need Debian 12's kernel 6.1; modules can be swapped there");
        }
    }

    /**
     * Loads a file that {@code kmolt edition build} made.
     *
     * @param images finds kernel images, for their types
     * @throws EditionException if the file does not fit the kernel, with every reason; then nothing has changed
     * @throws SwapException if the target is not fit or another kmolt is at work; then nothing has changed
     */
    public static Report run(Target target, Path path, KernelImages images, Progress progress)
            throws IOException, EditionException, SwapException {
        progress.step("examining " + target.describe());
        Doctor.requireFit(target);
        requireEditions(target);
        EditionFile file = EditionFile.read(path);
        CoreState state = CoreState.ask(target);
        KernelModule core = Core.fitting(target, Facts.release(target), state);
        if (state.editions(file.name()).isPresent()) {
            throw EditionException.unfit("editions named " + file.name() + " are loaded already on " + target.describe()
                    + ": unload them first, with kmolt edition unload " + file.name());
        }

        progress.step("resolving what it refers to");
        EditionTarget facts = Symbols.ask(target, file, core);
        EditionUpdate update = link(file, facts, prototypes(target, file, facts, images));

        if (target.exists("/sys/module/" + update.module() + "/refcnt")) {
            throw EditionException.unfit("a module named %s is loaded already on %s: give the C file another name"
                    .formatted(update.module(), target.describe()));
        }

        // Until here the target was only asked. What has changed on it since then, the core will notice.
        progress.step("loading " + update.module());
        Core.load(target, Facts.release(target));
        try (CoreSession session = CoreSession.open(target)) {
            insert(target, session, update.module(), update.image());
        }
        return new Report(update.name(), target.describe(), update.module(), update.functions(), update.notes());
    }

    private static Prototypes prototypes(Target target, EditionFile file, EditionTarget facts, KernelImages images)
            throws IOException {
        try {
            return BtfPrototypes.read(
                    file, KernelTypes.read(target, images, facts.modules().keySet()));
        } catch (BtfException e) {
            return Prototypes.unknown(Objects.requireNonNullElse(e.getMessage(), "there are no types"));
        }
    }

    private static EditionUpdate link(EditionFile file, EditionTarget facts, Prototypes prototypes)
            throws EditionException {
        try {
            return EditionLinker.link(file, facts, prototypes);
        } catch (ElfException e) {
            throw EditionException.unfit(file.elf().name() + " cannot be rewritten: " + e.getMessage());
        }
    }

    /** Loads a module that introduces itself to the core; where the core says no, it tells why. */
    static void insert(Target target, CoreSession session, String name, byte[] image)
            throws IOException, EditionException {
        try {
            target.insertModule(image, name, "");
        } catch (ModuleLoadException e) {
            String reason = session.send("reason").value("reason", "none");
            throw EditionException.unfit(
                    name + " cannot be loaded: " + (reason.equals("none") ? e.getMessage() : reason));
        }
    }
}
