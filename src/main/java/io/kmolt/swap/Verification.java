package io.kmolt.swap;

import io.kmolt.target.CommandResult;
import io.kmolt.target.CommandTimeoutException;
import io.kmolt.target.KernelComplaint;
import io.kmolt.target.LogDelta;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A trial of a build that answers already: for some time a command is run again and again, and the kernel's log is
 * watched. Anything that goes wrong is a reason to revert, also what has nothing to do with the module: nobody can tell.
 */
public final class Verification {
    /** How much longer than the trial a command may take. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    private static final long PAUSE_MILLIS = 1000;
    private static final int TAIL = 12;

    /**
     * What is to be tried.
     *
     * @param command a POSIX shell script that is run on the target; if there is none, only the kernel is watched
     * @param period for how long
     */
    public record Plan(Optional<String> command, Duration period) {
        public static final Duration DEFAULT_PERIOD = Duration.ofSeconds(30);

        /** When the last run of the command is over, counted from the commit. */
        Duration end() {
            return period.plus(GRACE);
        }
    }

    /**
     * What came of it.
     *
     * @param failure what went wrong; empty if nothing did
     * @param output the end of what the command, or the kernel, said of it
     * @param runs how often the command was run
     */
    public record Result(String failure, List<String> output, int runs) {
        public boolean passed() {
            return failure.isEmpty();
        }
    }

    private final Target target;
    private final Plan plan;
    private final List<String> before;

    private Verification(Target target, Plan plan, List<String> before) {
        this.target = target;
        this.plan = plan;
        this.before = before;
    }

    /** Takes note of the kernel's log, of which only what comes after this counts. */
    static Verification prepare(Target target, Plan plan) throws TargetException, SwapException {
        CommandResult log = target.run("dmesg", Target.DEFAULT_TIMEOUT);
        if (!log.ok()) {
            throw SwapException.unfit(
                    "the kernel's log on " + target.describe() + " cannot be read, so that no swap can "
                            + "be verified: " + log.stderr().strip() + "; nothing has changed");
        }
        return new Verification(target, plan, log.stdout().lines().toList());
    }

    /** Tries the build, until something goes wrong or the time is over. */
    Result run(Progress progress) throws IOException {
        long end = System.nanoTime() + plan.period().toNanos();
        int runs = 0;
        while (true) {
            boolean last = System.nanoTime() >= end;
            if (plan.command().isPresent() && (!last || runs == 0)) {
                runs++;
                progress.step("verifying: run " + runs + " of the check");
                Optional<Result> bad = check(plan.command().get(), limit(end), runs);
                if (bad.isPresent()) {
                    return bad.get();
                }
            }
            CommandResult log = target.run("dmesg", Target.DEFAULT_TIMEOUT);
            if (!log.ok()) {
                return new Result("the kernel's log can no longer be read", tail(log.stderr()), runs);
            }
            List<String> complaint =
                    complaint(LogDelta.between(before, log.stdout().lines().toList()));
            if (!complaint.isEmpty()) {
                return new Result("the kernel complained: " + complaint.getFirst(), complaint, runs);
            }
            if (last) {
                return new Result("", List.of(), runs);
            }
            Pause.millis(Math.min(PAUSE_MILLIS, Math.max(0, (end - System.nanoTime()) / 1_000_000)));
        }
    }

    private static Duration limit(long end) {
        return GRACE.plusNanos(Math.max(0, end - System.nanoTime()));
    }

    private Optional<Result> check(String command, Duration limit, int runs) throws TargetException {
        try {
            CommandResult result = target.run(command, limit);
            return result.ok()
                    ? Optional.empty()
                    : Optional.of(new Result(
                            "the check ended with status " + result.status() + " in run " + runs,
                            tail(result.stdout() + result.stderr()),
                            runs));
        } catch (CommandTimeoutException e) {
            return Optional.of(new Result(
                    "the check did not end within " + limit.toSeconds() + " s in run " + runs, List.of(), runs));
        }
    }

    /** The first complaint in a log and what follows it; empty if there is none. */
    static List<String> complaint(List<String> lines) {
        for (int i = 0; i < lines.size(); i++) {
            // With printk.time=0 some dmesgs print no time stamps.
            if (KernelComplaint.begins(lines.get(i)) || KernelComplaint.begins("[0.0] " + lines.get(i))) {
                return List.copyOf(lines.subList(i, Math.min(lines.size(), i + TAIL)));
            }
        }
        return List.of();
    }

    private static List<String> tail(String text) {
        List<String> lines = text.lines().toList();
        return List.copyOf(lines.subList(Math.max(0, lines.size() - TAIL), lines.size()));
    }
}
