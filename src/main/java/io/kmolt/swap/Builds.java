package io.kmolt.swap;

import io.kmolt.module.KernelModule;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The files of builds: that of the base, proven by its build-id, and those of editions that were swapped in. kmolt keeps
 * them on the target, in {@code /var/lib/kmolt/RELEASE/builds/BUILD-ID.ko}, and those of editions in {@code editions/}
 * there, for as long as the edition is loaded.
 */
final class Builds {
    private final Target target;
    private final String release;

    Builds(Target target, String release) {
        this.target = target;
        this.release = release;
    }

    /** The file of a loaded module: kept by kmolt, or the one that modprobe would load, if it is the same build. */
    KernelModule base(String module, String buildId) throws TargetException, SwapException {
        Optional<KernelModule> kept = kept(buildId);
        if (kept.isPresent()) {
            return kept.get();
        }
        CommandResult found = target.run("modinfo -n " + module, Target.DEFAULT_TIMEOUT);
        String path = found.stdout().strip();
        if (!found.ok() || !path.startsWith("/")) {
            throw SwapException.unfit("the file that module " + module + " was loaded from is not installed on "
                    + target.describe() + "; name it with --base");
        }
        KernelModule file = ModuleFiles.parse(path, target.readFile(path));
        if (!file.buildId().orElse("").equals(buildId)) {
            throw SwapException.unfit(
                    "%s is not the build of module %s that is loaded: its build-id is %s, loaded is %s; name the right file with --base"
                            .formatted(path, module, file.buildId().orElse("missing"), buildId));
        }
        return file;
    }

    /** The file of an edition. */
    KernelModule edition(String name, String buildId) throws TargetException, SwapException {
        return kept(buildId)
                .orElseThrow(() -> SwapException.unfit("the build that edition " + name
                        + " was linked from is no longer in " + editions() + ": revert it before the next swap"));
    }

    /** The file of a build, of a base or an edition; empty if it is not kept. */
    Optional<KernelModule> kept(String buildId) throws TargetException, SwapException {
        for (String folder : List.of(bases(), editions())) {
            String path = path(folder, buildId);
            if (!buildId.isEmpty() && target.exists(path)) {
                KernelModule file = ModuleFiles.parse(path, target.readFile(path));
                if (file.buildId().orElse("").equals(buildId)) {
                    return Optional.of(file);
                }
            }
        }
        return Optional.empty();
    }

    /** Keeps the build that a module was loaded from, also for later boots. */
    void keepBase(KernelModule build) throws TargetException {
        keep(bases(), build);
    }

    /** Keeps a build for swaps on top of it. */
    void keepEdition(KernelModule build) throws TargetException {
        keep(editions(), build);
    }

    private void keep(String folder, KernelModule build) throws TargetException {
        String path = path(folder, build.buildId().orElseThrow());
        if (!target.exists(path)) {
            target.run("mkdir -p " + folder, Target.DEFAULT_TIMEOUT);
            // Under another name first: an interrupted transfer must not pass for the build.
            target.writeFile(path + ".part", build.elf().bytes());
            target.run("mv " + path + ".part " + path, Target.DEFAULT_TIMEOUT);
        }
    }

    /** Removes the files of editions that are no longer loaded, whoever unloaded them. */
    void prune(CoreState state) throws TargetException {
        String loaded = state.modules().stream()
                .flatMap(module -> module.editions().stream())
                .map(edition -> edition.buildId() + ".ko")
                .distinct()
                .collect(Collectors.joining(" ", " ", " "));
        target.run("""
                cd %s 2>/dev/null || exit 0
                for file in *; do
                    case '%s' in *" $file "*) ;; *) rm -f -- "$file" ;; esac
                done
                """.formatted(editions(), loaded), Target.DEFAULT_TIMEOUT);
    }

    private String bases() {
        return "/var/lib/kmolt/" + release + "/builds";
    }

    private String editions() {
        return bases() + "/editions";
    }

    private static String path(String folder, String buildId) {
        return folder + "/" + buildId + ".ko";
    }
}
