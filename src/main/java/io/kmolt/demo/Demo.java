package io.kmolt.demo;

import io.kmolt.edition.EditionException;
import io.kmolt.lab.ExitHook;
import io.kmolt.lab.Guest;
import io.kmolt.lab.GuestCrashedException;
import io.kmolt.lab.Lab;
import io.kmolt.lab.LabOptions;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.SwapException;
import io.kmolt.target.TargetLostException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;

/**
 * Shows, in a guest with a distribution's kernel, that a module in use can be replaced and that nothing suffers; and that
 * a function can have editions, chosen call by call.
 *
 * <p>The guest is driven from outside: nothing runs in it but its kernel, a shell and what uses the modules.
 */
public final class Demo {
    private Demo() {}

    /**
     * Runs all of it.
     *
     * @param images finds kernel images, for their types
     * @param out where to tell what happens
     * @throws IOException if it cannot begin
     */
    public static DemoResult run(KernelImages images, PrintWriter out) throws IOException {
        DemoFiles files = DemoFiles.find();
        Timeline timeline = new Timeline(out);
        Findings findings = new Findings();
        timeline.print("kmolt changes Debian's kernel %s while it runs.".formatted(DemoFiles.RUNNING));
        timeline.print("It runs in a disposable guest; this machine's own kernel is not touched.");
        LabOptions options = LabOptions.defaults().withKernel(DemoFiles.RUNNING);
        try (Guest guest = Lab.start(options);
                ExitHook hook = new ExitHook(guest)) {
            boolean crashed = play(guest, images, files, timeline, findings);
            if (hook.interrupted()) {
                return new DemoResult(List.of("it was interrupted"), false, "");
            }
            return result(guest, crashed, timeline, findings);
        }
    }

    private static boolean play(Guest guest, KernelImages images, DemoFiles files, Timeline timeline, Findings findings)
            throws IOException {
        try {
            Stage stage = new Stage(guest.target(), images, timeline, findings);
            timeline.part("Part 1: a mounted ext4, from the build of %s to that of %s and back"
                    .formatted(DemoFiles.RUNNING, DemoFiles.UPDATE));
            timeline.event("boot", stage.run("uname -r") + ", as Debian ships it");
            new MountedFileSystem(stage, files).play();
            timeline.part("Part 2: an open device, from version 1 to version 2 and back");
            new OpenDevice(stage, files).play();
            timeline.part("Part 3: /proc/meminfo, answered by another function for one user");
            new OneUser(stage, files).play();
            return false;
        } catch (EditionException e) {
            findings.check(false, String.valueOf(e.getMessage()));
            e.refusals().forEach(refusal -> findings.check(false, refusal.toString()));
            return false;
        } catch (SwapException e) {
            findings.check(false, String.valueOf(e.getMessage()));
            e.refusals().forEach(refusal -> findings.check(false, refusal.toString()));
            e.blockers()
                    .forEach(b ->
                            findings.check(false, "%s (pid %d) is in %s".formatted(b.command(), b.pid(), b.where())));
            return false;
        } catch (GuestCrashedException | TargetLostException e) {
            findings.check(false, String.valueOf(e.getMessage()));
            return true;
        } catch (IOException e) {
            findings.check(false, String.valueOf(e.getMessage()));
            return !guest.alive();
        }
    }

    private static DemoResult result(Guest guest, boolean crashed, Timeline timeline, Findings findings) {
        List<String> warnings = guest.kernelWarnings();
        timeline.print("");
        timeline.event("kernel", warnings.size() + " warnings in its log");
        findings.check(warnings.isEmpty(), "the guest's kernel complains: " + String.join("; ", warnings));
        boolean held = findings.all().isEmpty();
        return new DemoResult(findings.all(), crashed || !warnings.isEmpty(), held ? "" : guest.kernelLogExcerpt());
    }
}
