package io.kmolt.cli;

import io.kmolt.diff.Verdict;
import io.kmolt.kernels.KernelPackage;
import io.kmolt.kernels.PackageDiff;
import io.kmolt.kernels.PackageReport;
import io.kmolt.kernels.PackageSource;
import io.kmolt.lab.KernelCache;
import io.kmolt.swap.SwapException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;

/** {@code kmolt diff --package}: opens two packages, compares them, and says how long it took. */
final class PackageRun {
    private PackageRun() {}

    static PackageReport compare(CommandSpec spec, OutputOptions output, int workers, String oldWord, String newWord)
            throws IOException, SwapException {
        KernelCache cache = KernelCache.ofUser();
        try (ProgressLine progress = output.progress(spec);
                PackageSource old = PackageSource.open(oldWord, cache, progress);
                PackageSource now = PackageSource.open(newWord, cache, progress)) {
            progress.done();
            return compare(spec.commandLine().getErr(), workers, old.kernelPackage(), now.kernelPackage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static PackageReport compare(PrintWriter err, int workers, KernelPackage old, KernelPackage now)
            throws IOException, InterruptedException {
        long begin = System.nanoTime();
        PackageReport report;
        try (ProgressBar bar = ProgressBar.on(err)) {
            report = PackageDiff.compare(old, now, Images::find, workers, bar::update);
        }
        err.printf(
                "kmolt: %s of modules compared in %d s%s%n",
                Texts.count(report.modules(), "pair"),
                Duration.ofNanos(System.nanoTime() - begin).toSeconds(),
                memory().map(text -> "; " + text + " at most in memory").orElse(""));
        err.flush();
        return report;
    }

    /** The largest amount of memory that this process has had, as proc(5) tells it: VmHWM. */
    private static Optional<String> memory() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return Optional.empty();
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024 + " MiB")
                .findFirst();
    }

    static int exitCode(PackageReport report) {
        if (!report.unhandled().isEmpty()) {
            return ExitCode.FAILED;
        }
        if (report.count(Verdict.NOT_SWAPPABLE) > 0) {
            return ExitCode.NOT_SWAPPABLE;
        }
        return report.count(Verdict.NEEDS_HOOK) > 0 ? ExitCode.NEEDS_HOOK : ExitCode.OK;
    }
}
