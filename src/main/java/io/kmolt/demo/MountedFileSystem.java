package io.kmolt.demo;

import io.kmolt.swap.SwapException;
import io.kmolt.swap.SwapReport;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.Optional;

/** Part 1: ext4, mounted and under load, is swapped for the build of another package, reverted and swapped again. */
final class MountedFileSystem {
    private static final String MODULE = "ext4";
    private static final String IMAGE = "/tmp/kmolt-demo.img";
    private static final String FOLDER = "/mnt/kmolt-demo";
    private static final String FUNCTION = "ext4_file_write_iter";
    private static final int PROCESSES = 4;
    private static final String NEW_BUILD = "that of Debian's kernel " + DemoFiles.UPDATE;

    private final Stage stage;
    private final DemoFiles files;

    MountedFileSystem(Stage stage, DemoFiles files) {
        this.stage = stage;
        this.files = files;
    }

    void play() throws IOException, SwapException {
        mount();
        Load load = Load.start(stage, files.load(), PROCESSES, FOLDER);
        stage.timeline().event("load", PROCESSES + " processes write, map, rename, fsync and check what they read");
        stage.timeline().more(users());

        SwapReport first = stage.swap(MODULE, files.newExt4(), NEW_BUILD, Optional.empty());
        prove(first.edition(), true, load);
        stage.revert(MODULE);
        prove(first.edition(), false, load);
        SwapReport second = stage.swap(MODULE, files.newExt4(), NEW_BUILD, Optional.empty());
        prove(second.edition(), true, load);

        stage.timeline().event("stop", "the load verifies all that it has written");
        Load.Tally tally = load.stop();
        stage.timeline().event("", tally.toString());
        stage.findings().check(tally.iterations() > 0, "the load has done nothing");
        stage.findings().check(tally.mismatches() == 0 && tally.errors() == 0, "the load: " + tally);
        stage.run("umount " + FOLDER);
        stage.timeline().event("umount", FOLDER);
        stage.unload(MODULE);
        fsck();
    }

    private void mount() throws IOException {
        stage.run("""
                modprobe ext4 && modprobe loop && mkdir -p %2$s || exit 1
                truncate -s 256M %1$s && mkfs.ext4 -q -F %1$s && mount -o loop %1$s %2$s
                """.formatted(IMAGE, FOLDER));
        stage.timeline().event("mount", "ext4 on " + FOLDER + ", by the kernel's own module");
    }

    /** Who uses the file system, by what /proc tells of every process. */
    private String users() throws IOException {
        String[] count = stage.run("""
                cd /proc
                echo $(ls -l [0-9]*/cwd 2>/dev/null | grep -c ' -> %1$s') \\
                     $(ls -l [0-9]*/fd 2>/dev/null | grep -c ' -> %1$s') \\
                     $(cat [0-9]*/maps 2>/dev/null | grep -c ' %1$s')
                """.formatted(FOLDER)).split(" ");
        return "in use: %s working folders, %s open files, %s mapped files".formatted(count[0], count[1], count[2]);
    }

    /** The kernel itself says who answers; only the right one may. */
    private void prove(String edition, boolean swapped, Load load) throws IOException {
        CallCount calls = CallCount.of(stage, MODULE, edition, FUNCTION);
        stage.timeline()
                .event("proof", FUNCTION + " under load, counted in the kernel for " + CallCount.SECONDS + " s:");
        stage.timeline()
                .more("%d executions in %s, %d in %s".formatted(calls.inBase(), MODULE, calls.inEdition(), edition));
        long right = swapped ? calls.inEdition() : calls.inBase();
        long wrong = swapped ? calls.inBase() : calls.inEdition();
        stage.findings()
                .check(
                        right > 0 && wrong == 0,
                        "%s was executed %d times in %s and %d times in %s"
                                .formatted(FUNCTION, calls.inBase(), MODULE, calls.inEdition(), edition));
        stage.timeline().more("load so far: " + load.tally());
    }

    private void fsck() throws IOException {
        CommandResult result = stage.target().run("e2fsck -fn " + IMAGE + " 2>&1", Target.DEFAULT_TIMEOUT);
        boolean clean = result.ok() && !result.stdout().contains("WARNING");
        stage.timeline().event("fsck", clean ? "clean" : "NOT clean");
        stage.findings().check(clean, "e2fsck -fn ended with status " + result.status() + ":\n" + result.stdout());
    }
}
