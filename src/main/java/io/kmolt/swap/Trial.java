package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.util.List;

/** A swap on trial: it stands only if its verification passes; else it is reverted, by the target itself if need be. */
final class Trial {
    private final Target target;
    private final CoreSession session;
    private final Journal journal;
    private final JournalEntry intent;
    private final SwapOptions options;
    private final Progress progress;
    private final Verification verification;
    private final Watchdog watchdog;

    private Trial(
            Target target,
            CoreSession session,
            Journal journal,
            JournalEntry intent,
            SwapOptions options,
            Progress progress,
            Verification verification,
            Watchdog watchdog) {
        this.target = target;
        this.session = session;
        this.journal = journal;
        this.intent = intent;
        this.options = options;
        this.progress = progress;
        this.verification = verification;
        this.watchdog = watchdog;
    }

    /** Prepares it; all that can fail fails here, before the commit. */
    static Trial prepare(
            Target target,
            CoreSession session,
            Journal journal,
            JournalEntry swap,
            SwapOptions options,
            Progress progress)
            throws IOException, SwapException {
        Verification.Plan plan = options.trial().orElseThrow();
        Verification verification = Verification.prepare(target, plan);
        JournalEntry intent = journal.named(JournalEntry.intent("verify", swap.get("module"), swap.get("edition"))
                .with("before", swap.get("before"))
                .with("buildId", swap.get("buildId"))
                .with("check", plan.command().orElse(""))
                .with("seconds", "" + plan.period().toSeconds()));
        Watchdog watchdog =
                Watchdog.start(target, journal, intent, options.limits().timeout(), plan.end());
        return new Trial(target, session, journal, intent, options, progress, verification, watchdog);
    }

    /** There is nothing to be tried, because nothing was committed. */
    void cancel() throws IOException {
        watchdog.dismiss();
    }

    /**
     * Tries the build that answers now.
     *
     * @param notes receives what an operator should know
     * @return what was tried
     * @throws SwapException if it failed, whether the build was reverted or not
     */
    String run(List<String> notes) throws IOException, SwapException {
        try {
            notes.addAll(journal.write(intent));
            Verification.Result result = verification.run(progress);
            if (!result.passed()) {
                throw reverted(result, notes);
            }
            watchdog.dismiss();
            notes.addAll(journal.end(intent, "passed", "", 0));
            return "for %d s: %s the kernel did not complain"
                    .formatted(
                            options.trial().orElseThrow().period().toSeconds(),
                            result.runs() == 0 ? "" : "the check succeeded " + times(result.runs()) + ", and");
        } catch (TargetLostException e) {
            throw new TargetLostException(
                    "the target was lost while " + intent.get("edition")
                            + " was on trial; if it still runs, it reverts that by itself: " + e.getMessage(),
                    e.crashed(),
                    e);
        }
    }

    private static String times(int runs) {
        return runs == 1 ? "once" : runs + " times";
    }

    private SwapException reverted(Verification.Result result, List<String> notes) throws IOException {
        String edition = intent.get("edition");
        String module = intent.get("module");
        StringBuilder said = new StringBuilder();
        result.output().forEach(line -> said.append("\n  ").append(line));
        notes.addAll(journal.end(intent, "failed", result.failure() + said, 0));
        try {
            RevertReport report =
                    Revert.run(target, session, journal, module, List.of(), options.limits(), progress, notes);
            watchdog.dismiss();
            String now = report.current().equals(SwappedModule.BASE) ? "the base" : report.current();
            return SwapException.trial(
                    SwapException.Kind.REVERTED,
                    "%s failed its verification and was reverted, %s answers again: %s%s"
                            .formatted(edition, now, result.failure(), said),
                    List.of());
        } catch (SwapException e) {
            watchdog.dismiss();
            return SwapException.trial(
                    SwapException.Kind.STANDS,
                    "%s failed its verification and STILL ANSWERS for %s, for it could not be reverted: %s; kmolt revert %s tries again; what failed: %s%s"
                            .formatted(edition, module, e.getMessage(), module, result.failure(), said),
                    e.blockers());
        }
    }
}
