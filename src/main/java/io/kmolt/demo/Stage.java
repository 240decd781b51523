package io.kmolt.demo;

import io.kmolt.swap.KernelImages;
import io.kmolt.swap.Limits;
import io.kmolt.swap.Progress;
import io.kmolt.swap.Revert;
import io.kmolt.swap.RevertReport;
import io.kmolt.swap.Swap;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapOptions;
import io.kmolt.swap.SwapReport;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What both parts do in the guest, and tell while they do it.
 *
 * @param target the guest
 * @param images finds kernel images, for their types
 * @param timeline tells what happens
 * @param findings what did not hold
 */
record Stage(Target target, KernelImages images, Timeline timeline, Findings findings) {
    /** Longer than a server's: a guest under emulation has the time. */
    private static final Limits PATIENCE = Limits.within(Duration.ofMinutes(1));

    /** The build-id's beginning, which is enough for people. */
    private static final int SHORT_ID = 12;

    /** Runs a script that must succeed, and returns its output. */
    String run(String script) throws TargetException {
        CommandResult result = target.run(script, Target.DEFAULT_TIMEOUT);
        if (!result.ok()) {
            throw new TargetException("in the guest, this ended with status %d: %s%n%s"
                    .formatted(result.status(), script.strip(), (result.stdout() + result.stderr()).strip()));
        }
        return result.stdout().strip();
    }

    /**
     * Swaps a module for a build, and tells what came of it.
     *
     * @param what the build, for people
     * @param base the file that the module was loaded from, if it is not where modprobe finds it
     */
    SwapReport swap(String module, Path newBuild, String what, Optional<Path> base) throws IOException, SwapException {
        timeline.event("swap", "%s for %s".formatted(module, what));
        SwapOptions options = SwapOptions.with(images).withLimits(PATIENCE).withBase(base);
        SwapReport report = Swap.run(target, module, newBuild, options, Progress.NONE);
        timeline.event("", "%s answers now; its build-id begins with %s".formatted(report.edition(), id(report)));
        timeline.more("changed: %s; new: %s; %d table words, %d redirects"
                .formatted(names(report.changed()), names(report.added()), report.slots(), report.redirects()));
        timeline.more(pause(report.pauseNanos(), report.attempts()));
        return report;
    }

    /** Takes the last swap of a module back, and tells what came of it. */
    RevertReport revert(String module) throws IOException, SwapException {
        timeline.event("revert", module);
        RevertReport report = Revert.run(target, module, PATIENCE, Progress.NONE);
        timeline.event(
                "", "the base answers again" + (report.unloaded() ? "" : "; " + report.reverted() + " stays loaded"));
        timeline.more(pause(report.pauseNanos(), report.attempts()));
        findings.check(
                report.current().equals("base"), "after the revert, " + report.current() + " answers for " + module);
        return report;
    }

    /** Unloads a module, and checks that its editions went with it. */
    void unload(String module) throws IOException {
        run("rmmod " + module);
        String left =
                run("cut -d' ' -f1 /proc/modules | grep -E '^(%1$s|kmolt_%1$s_[0-9]+)$' || true".formatted(module));
        boolean record = target.exists("/sys/kernel/kmolt/modules/" + module);
        findings.check(left.isEmpty(), "after rmmod " + module + ", still loaded: " + left.replace('\n', ' '));
        findings.check(!record, "after rmmod " + module + ", the core still has a record of it");
        timeline.event(
                "rmmod",
                left.isEmpty() && !record ? module + " is gone, and its editions with it" : "editions are left over");
    }

    private static String id(SwapReport report) {
        return report.buildId().substring(0, Math.min(SHORT_ID, report.buildId().length()));
    }

    private static String names(List<String> names) {
        return names.isEmpty() ? "none" : String.join(", ", names);
    }

    private static String pause(long nanos, int attempts) {
        return String.format(
                Locale.ROOT,
                "all CPUs paused for %.3f ms; %s",
                nanos / 1e6,
                attempts == 1 ? "first attempt" : "attempt " + attempts + ", after tasks had left the code");
    }
}
