package io.kmolt.swap;

import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Takes the last swap of a module back: commit the previous build again, then unload the edition. */
public final class Revert {
    private static final Duration RETIRE_TIMEOUT = Duration.ofSeconds(5);

    private Revert() {}

    /**
     * Reverts.
     *
     * @param limits how much time it may take
     * @throws SwapException if that is refused; then nothing has changed
     */
    public static RevertReport run(Target target, String moduleName, Limits limits, Progress progress)
            throws IOException, SwapException {
        return run(target, moduleName, limits, false, progress);
    }

    /**
     * Reverts.
     *
     * @param limits how much time it may take
     * @param acknowledge cut off who is attached to the edition's functions
     * @throws SwapException if that is refused; then nothing has changed
     */
    public static RevertReport run(
            Target target, String moduleName, Limits limits, boolean acknowledge, Progress progress)
            throws IOException, SwapException {
        String module = ModuleName.check(moduleName);
        // A reverted edition may still be in memory; then the folder is, too.
        if (current(target, module).equals("base")) {
            throw SwapException.refused(
                    "nothing to revert: no edition answers for " + module + " on " + target.describe(), List.of());
        }
        CoreState state = CoreState.ask(target);
        CoreSession.requireFree(target);
        AttachedUsers attached = AttachedUsers.look(target, state, List.of(current(target, module)), false);
        List<AttachedUser> users = attached.atRevert();
        AttachedUsers.require(module, "reverted", users, acknowledge);
        attached.requireTold(module, acknowledge);
        try (CoreSession session = CoreSession.open(target)) {
            Journal journal = Journal.open(target, Facts.release(target), true);
            List<String> notes = new ArrayList<>(journal.settle(CoreState.ask(target)));
            return run(target, session, journal, module, users, limits, progress, notes);
        }
    }

    /**
     * Reverts, in a session that is open already.
     *
     * @param users who is attached to the edition's functions, and may be cut off
     * @param notes receives what an operator should know
     */
    static RevertReport run(
            Target target,
            CoreSession session,
            Journal journal,
            String module,
            List<AttachedUser> users,
            Limits limits,
            Progress progress,
            List<String> notes)
            throws IOException, SwapException {
        SwappedModule now = CoreState.ask(target).module(module).orElseGet(() -> SwappedModule.none(module));
        JournalEntry intent = JournalEntry.intent("revert", module, now.current())
                .with("before", now.current())
                .with("buildIdBefore", now.buildId())
                .with("buildId", now.previousBuildId());
        // It must be possible to revert on a target whose disk is full.
        return journal.during(
                intent,
                false,
                notes,
                RevertReport::pauseNanos,
                () -> revert(target, session, module, users, limits, progress, notes));
    }

    private static RevertReport revert(
            Target target,
            CoreSession session,
            String module,
            List<AttachedUser> users,
            Limits limits,
            Progress progress,
            List<String> notes)
            throws IOException, SwapException {
        progress.step("reverting " + module);
        Attempts.Outcome outcome = Attempts.change(session, "revert " + module, limits, progress);
        Reply reply = outcome.reply();
        if (!reply.isOk()) {
            throw SwapException.refused("cannot be reverted: " + reply.message(), List.of());
        }
        String retired = reply.value("retired", "");
        progress.step("unloading " + retired);
        String kept = unload(target, session, retired);
        if (kept.isEmpty()) {
            new Builds(target, Facts.release(target)).prune(CoreState.ask(target));
        }
        return new RevertReport(
                module,
                target.describe(),
                retired,
                current(target, module),
                kept.isEmpty(),
                kept,
                users,
                reply.number("pause_ns"),
                reply.number("scan_ns"),
                reply.number("stop_ns"),
                outcome.count(),
                notes);
    }

    private static String current(Target target, String module) throws IOException {
        String file = Core.SYSFS + "/modules/" + module + "/current";
        return target.exists(file) ? target.readText(file) : "base";
    }

    /** Unloads a retired edition; says why if that is not possible. */
    static String unload(Target target, CoreSession session, String name) throws IOException {
        Reply reply = Attempts.run(session, "retire " + name, RETIRE_TIMEOUT, Progress.NONE)
                .reply();
        if (!reply.isOk()) {
            return reply.message();
        }
        try {
            target.removeModule(name);
            return "";
        } catch (ModuleUnloadException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
