package io.kmolt.kernels;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Comparison;
import io.kmolt.diff.Types;
import io.kmolt.elf.ElfException;
import io.kmolt.kernels.PackageReport.Unhandled;
import io.kmolt.link.TrialLink;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.KernelTypes;
import io.kmolt.swap.SwapException;
import io.kmolt.swap.TypeSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Compares the packages of two kernels, module by module.
 *
 * <p>Modules belong together by their names; where in the package a file is does not matter. Each pair is read, compared
 * and forgotten, so that what is in memory are the types of both kernels and as many pairs as there are workers. The
 * largest come first: what remains at the end is small, and no worker waits for long.
 *
 * <p>A pair that cannot be compared, for whatever reason, is a result like any other.
 */
public final class PackageDiff {
    /** Is told how far it is; by several threads. */
    @FunctionalInterface
    public interface Listener {
        /** A pair is done. */
        void compared(String module, int done, int all);
    }

    private record Pair(String name, Path old, Path now) {
        long size() {
            return old.toFile().length() + now.toFile().length();
        }
    }

    private sealed interface Outcome {
        record Compared(ModuleChange change) implements Outcome {}

        record Failed(Unhandled problem) implements Outcome {}
    }

    private final KernelPackage old;
    private final KernelPackage now;
    private final KernelTypes oldTypes;
    private final KernelTypes newTypes;
    private final Listener listener;
    private int done;

    private PackageDiff(KernelPackage old, KernelPackage now, KernelImages others, Listener listener) {
        this.old = old;
        this.now = now;
        this.oldTypes = new KernelTypes(old.images(others));
        this.newTypes = new KernelTypes(now.images(others));
        this.listener = listener;
    }

    /**
     * Compares two packages.
     *
     * @param others finds the images of kernels that the packages do not hold
     * @param workers how many pairs to compare at a time
     */
    public static PackageReport compare(
            KernelPackage old, KernelPackage now, KernelImages others, int workers, Listener listener)
            throws InterruptedException {
        return new PackageDiff(old, now, others, listener).run(workers);
    }

    private PackageReport run(int workers) throws InterruptedException {
        SortedMap<String, Outcome> outcomes = compareAll(workers);
        List<ModuleChange> changed = new ArrayList<>();
        List<Unhandled> unhandled = new ArrayList<>();
        int unchanged = 0;
        int otherSymbols = 0;
        for (Outcome outcome : outcomes.values()) {
            switch (outcome) {
                case Outcome.Failed(Unhandled problem) -> unhandled.add(problem);
                case Outcome.Compared(ModuleChange change)
                when change.isNothing() -> {
                    unchanged++;
                    otherSymbols += change.hasOtherSymbols() ? 1 : 0;
                }
                case Outcome.Compared(ModuleChange change) -> changed.add(change);
            }
        }
        return new PackageReport(
                old.name(),
                now.name(),
                outcomes.size(),
                unchanged,
                otherSymbols,
                List.copyOf(changed),
                onlyIn(now, old),
                onlyIn(old, now),
                List.copyOf(unhandled));
    }

    private static List<String> onlyIn(KernelPackage one, KernelPackage other) {
        return one.modules().keySet().stream()
                .filter(name -> !other.modules().containsKey(name))
                .toList();
    }

    private SortedMap<String, Outcome> compareAll(int workers) throws InterruptedException {
        List<Pair> pairs = new ArrayList<>();
        old.modules().forEach((name, file) -> {
            Path other = now.modules().get(name);
            if (other != null) {
                pairs.add(new Pair(name, file, other));
            }
        });
        pairs.sort(Comparator.comparingLong(Pair::size).reversed());
        SortedMap<String, Future<Outcome>> futures = new TreeMap<>();
        SortedMap<String, Outcome> outcomes = new TreeMap<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(workers)) {
            pairs.forEach(pair -> futures.put(pair.name, executor.submit(() -> compared(pair, pairs.size()))));
            try {
                for (var entry : futures.entrySet()) {
                    outcomes.put(entry.getKey(), entry.getValue().get());
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } finally {
                executor.shutdownNow();
            }
        }
        return outcomes;
    }

    private Outcome compared(Pair pair, int all) {
        Outcome outcome = compare(pair);
        synchronized (this) {
            done++;
            listener.compared(pair.name, done, all);
        }
        return outcome;
    }

    private Outcome compare(Pair pair) {
        try {
            KernelModule oldModule = KernelModule.read(pair.old);
            KernelModule newModule = KernelModule.read(pair.now);
            Types types = TypeSource.compare(oldTypes, oldModule, newTypes, newModule);
            Comparison comparison = Comparer.compare(oldModule, newModule, types);
            // Of thousands, those that differ.
            return new Outcome.Compared(
                    ModuleChange.of(comparison.isSame() ? comparison : TrialLink.judge(comparison, types)));
        } catch (ModuleException | ElfException | SwapException | IOException e) {
            return failed(pair, String.valueOf(e.getMessage()));
        } catch (RuntimeException | StackOverflowError e) {
            // A defect of kmolt in one pair of thousands must not hide what the others are.
            return failed(pair, "internal error: " + e + where(e));
        } catch (OutOfMemoryError e) {
            return failed(pair, "not enough memory; KMOLT_JAVA_OPTS=-Xmx2g gives it more");
        }
    }

    private static Outcome failed(Pair pair, String problem) {
        return new Outcome.Failed(new Unhandled(pair.name, problem));
    }

    private static String where(Throwable e) {
        StackTraceElement[] trace = e.getStackTrace();
        return trace.length == 0 ? "" : " at " + trace[0];
    }
}
