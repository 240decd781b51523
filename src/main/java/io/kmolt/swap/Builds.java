package io.kmolt.swap;

import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.module.ModuleException;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The files of builds: that of the base, proven by its build-id, and those of editions that were swapped in, which kmolt
 * keeps on the target in {@code /var/lib/kmolt/RELEASE/builds/BUILD-ID.ko}.
 */
final class Builds {
    private final Target target;
    private final String release;

    Builds(Target target, String release) {
        this.target = target;
        this.release = release;
    }

    /** Reads a file of the machine that kmolt runs on. */
    static KernelModule read(Path path) throws IOException, SwapException {
        try {
            return parse(path.toString(), Files.readAllBytes(path));
        } catch (NoSuchFileException e) {
            throw SwapException.unfit(path + ": there is no such file");
        }
    }

    private static KernelModule parse(String name, byte[] bytes) throws SwapException {
        try {
            return KernelModule.parse(name, bytes);
        } catch (ModuleException | ElfException e) {
            throw SwapException.unfit(String.valueOf(e.getMessage()));
        }
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
        KernelModule file = parse(path, target.readFile(path));
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
                        + " was linked from is no longer in " + folder() + ": revert it before the next swap"));
    }

    private Optional<KernelModule> kept(String buildId) throws TargetException, SwapException {
        String path = path(buildId);
        if (buildId.isEmpty() || !target.exists(path)) {
            return Optional.empty();
        }
        KernelModule file = parse(path, target.readFile(path));
        return file.buildId().orElse("").equals(buildId) ? Optional.of(file) : Optional.empty();
    }

    /** Keeps a build for later swaps. */
    void keep(KernelModule build) throws TargetException {
        String path = path(build.buildId().orElseThrow());
        if (!target.exists(path)) {
            target.run("mkdir -p " + folder(), Target.DEFAULT_TIMEOUT);
            // Under another name first: an interrupted transfer must not pass for the build.
            target.writeFile(path + ".part", build.elf().bytes());
            target.run("mv " + path + ".part " + path, Target.DEFAULT_TIMEOUT);
        }
    }

    private String folder() {
        return "/var/lib/kmolt/" + release + "/builds";
    }

    private String path(String buildId) {
        return folder() + "/" + buildId + ".ko";
    }
}
