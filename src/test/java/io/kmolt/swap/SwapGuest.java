package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.lab.Fixtures;
import io.kmolt.lab.Guest;
import io.kmolt.lab.KernelCache;
import io.kmolt.lab.KernelMissingException;
import io.kmolt.lab.Lab;
import io.kmolt.lab.LabOptions;
import io.kmolt.lab.NamedGuests;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A guest whose modules a test swaps, from outside, by the calls that the commands make. */
public final class SwapGuest implements AutoCloseable {
    /** The kernel that guests run. */
    static final String RUNNING = Fixtures.RUNNING;

    /** The kernel that fixtures are built for. */
    private static final String BUILT_FOR = Fixtures.RELEASE;

    /** Modules of the kernel that are rebuilt as fixtures. */
    private static final List<String> REBUILT = List.of("minix", "jbd2", "ext4");

    private static final Duration LONG = Duration.ofMinutes(3);

    /** An emulated disk keeps tasks waiting inside of a file system nearly all of the time. */
    private static final Limits PATIENT = Limits.within(Duration.ofMinutes(1));

    private final Guest guest;

    private SwapGuest(Guest guest) {
        this.guest = guest;
    }

    /**
     * Boots one.
     *
     * @param append words for the kernel command line
     */
    static SwapGuest boot(String append) throws IOException {
        return boot(RUNNING, append);
    }

    /**
     * Boots one.
     *
     * @param release the kernel that it runs
     * @param append words for the kernel command line
     */
    public static SwapGuest boot(String release, String append) throws IOException {
        long begin = System.nanoTime();
        SwapGuest booted = new SwapGuest(
                Lab.start(LabOptions.defaults().withKernel(release).withAppend(append)));
        booted.target();
        System.out.printf("guest (%s) is up after %.1f s%n", append, (System.nanoTime() - begin) / 1e9);
        return booted;
    }

    /** One whose time stamp counter advances by one per instruction. */
    static SwapGuest counting() throws IOException {
        return new SwapGuest(Lab.start(LabOptions.defaults().withKernel(RUNNING).withIcount()));
    }

    /** One that was started by name, and is stopped so. */
    public static SwapGuest attach(String name) throws IOException {
        return new SwapGuest(NamedGuests.ofUser().attach(name));
    }

    public Guest guest() {
        return guest;
    }

    public Target target() throws IOException {
        return guest.target();
    }

    // Builds.

    /** A module's file as the distribution made it. */
    public static Path stock(String release, String module) throws IOException {
        return KernelCache.ofUser().require(release).module(module);
    }

    /** A module's file as the distribution made it for the kernel that guests run. */
    static Path stock(String module) throws IOException {
        return stock(RUNNING, module);
    }

    /** Another build of it, that may take over: the neighbouring package's, or where there is none our own. */
    static Path neighbour(String module) throws IOException {
        boolean rebuilt = BUILT_FOR.equals(RUNNING) && REBUILT.contains(module);
        return rebuilt ? fixture(module, "plain") : stock(BUILT_FOR, module);
    }

    /** A module's file from tests/fixtures. */
    public static Path fixture(String module, String variant) {
        return Fixtures.module(BUILT_FOR, module, variant);
    }

    /** A test program from tests/load. */
    public static Path program(String name) {
        return Fixtures.program(name);
    }

    /** Where kernel images are. */
    public static Optional<Path> image(String release) {
        try {
            return Optional.of(KernelCache.ofUser().require(release).image());
        } catch (KernelMissingException e) {
            return Optional.empty();
        }
    }

    static SwapOptions options(Duration timeout) {
        return options().withLimits(Limits.within(timeout));
    }

    public static SwapOptions options() {
        return SwapOptions.with(SwapGuest::image);
    }

    /** For a module that modprobe does not find. */
    static SwapOptions withBase(Path base) {
        return options().withBase(Optional.of(base));
    }

    // What tests do.

    public SwapReport swap(String module, Path file) throws Exception {
        return swap(module, file, options().withLimits(PATIENT));
    }

    SwapReport swap(String module, Path file, SwapOptions options) throws Exception {
        long begin = System.nanoTime();
        try {
            SwapReport report = Swap.run(target(), module, file, options, Progress.NONE);
            assertThat(current(module)).isEqualTo(report.edition());
            System.out.printf(
                    "%s: %s in %.1f s, linked in %.1f s, pause %.2f ms, attempt %d%n",
                    module,
                    report.edition(),
                    (System.nanoTime() - begin) / 1e9,
                    report.linkMillis() / 1e3,
                    report.pauseNanos() / 1e6,
                    report.attempts());
            return report;
        } catch (SwapException e) {
            throw explained("swap of " + module + " for " + file, e);
        }
    }

    public RevertReport revert(String module) throws Exception {
        long begin = System.nanoTime();
        try {
            RevertReport report = Revert.run(target(), module, PATIENT, Progress.NONE);
            assertThat(current(module)).isEqualTo(report.current());
            System.out.printf(
                    "%s: reverted in %.1f s, pause %.2f ms, attempt %d%n",
                    module, (System.nanoTime() - begin) / 1e9, report.pauseNanos() / 1e6, report.attempts());
            return report;
        } catch (SwapException e) {
            throw explained("revert of " + module, e);
        }
    }

    /** All that a refusal says, for a test that did not expect it. */
    private static AssertionError explained(String what, SwapException no) {
        StringBuilder text = new StringBuilder(what + ": " + no.kind() + ": " + no.getMessage());
        no.refusals()
                .forEach(refusal ->
                        text.append("\n  ").append(refusal.kind()).append(' ').append(refusal));
        for (Blocker blocker : no.blockers()) {
            text.append("\n  pid %d (%s) in %s".formatted(blocker.pid(), blocker.command(), blocker.where()));
            blocker.stack().forEach(frame -> text.append("\n    ").append(frame));
        }
        return new AssertionError(text.toString(), no);
    }

    /**
     * Tries a swap that must be refused, and holds the kernel against what it was before: the same modules, the same
     * sections of the module, the same edition or none, nothing in the log but what the core says.
     */
    SwapException refusal(String module, Path file, SwapOptions options) throws Exception {
        String before = state(module);
        SwapException no = catchThrowableOfType(
                SwapException.class, () -> Swap.run(target(), module, file, options, Progress.NONE));
        assertThat(no).as("swap of " + module + " for " + file + " is refused").isNotNull();
        // What it has begun is taken back; somebody else may be at work.
        awaitOwner("! grep -q ' closing$'");
        assertThat(state(module)).isEqualTo(before);
        assertQuiet();
        return no;
    }

    public SwapException refusal(String module, Path file) throws Exception {
        return refusal(module, file, options());
    }

    /** Runs a script that must succeed; returns what it prints. */
    public String sh(String script) throws IOException {
        return sh(target(), script);
    }

    static String sh(Target target, String script) throws IOException {
        CommandResult result = target.run(script, LONG);
        assertThat(result.status())
                .as(script + "\n" + result.stdout() + result.stderr())
                .isZero();
        return result.stdout().strip();
    }

    /** Runs a script that may fail; returns all that it prints. */
    public CommandResult attempt(String script) throws IOException {
        return target().run(script, LONG);
    }

    // What the guest is like.

    /** Of the loaded modules the one of this name and its editions. */
    List<String> modules(String name) throws IOException {
        return sh("cut -d' ' -f1 /proc/modules")
                .lines()
                .filter(m -> m.equals(name) || m.startsWith("kmolt_" + name + "_"))
                .sorted()
                .toList();
    }

    boolean isLoaded(String module) throws IOException {
        return target().exists("/sys/module/" + module);
    }

    /** Nobody is at work, and what was left behind is taken back. */
    void awaitNoOwner() throws IOException {
        awaitOwner("grep -q '^none$'");
    }

    private void awaitOwner(String test) throws IOException {
        sh("owner=/sys/kernel/kmolt/owner; [ -e $owner ] || exit 0; for i in $(seq 300); do " + test
                + " $owner && exit; sleep 0.1; done; cat $owner; exit 1");
    }

    /** Who answers for a module: an edition or {@code base}. */
    String current(String module) throws IOException {
        String file = "/sys/kernel/kmolt/modules/" + module + "/current";
        return target().exists(file) ? target().readText(file) : "base";
    }

    private String state(String module) throws IOException {
        // The core itself may have come in; it stays, ready for the next attempt.
        return sh(
                "grep -v '^kmolt ' /proc/modules | cut -d' ' -f1,2,6 | sort; ls -R /sys/kernel/kmolt/modules 2>/dev/null;"
                        + " cd /sys/module/" + module + " 2>/dev/null && cat sections/.text coresize srcversion;"
                        + " cat /sys/kernel/kmolt/modules/" + module + "/*/state 2>/dev/null; true");
    }

    /** The kernel has complained of nothing since it booted. */
    public void assertQuiet() {
        assertThat(guest.kernelWarnings()).as(guest.kernelLogExcerpt()).isEmpty();
        assertThat(guest.alive()).isTrue();
    }

    /** How often the kernel log says something since the guest booted. */
    public long logged(String text) throws IOException {
        return Files.readAllLines(guest.kernelLog(), java.nio.charset.StandardCharsets.ISO_8859_1).stream()
                .filter(line -> line.contains(text))
                .count();
    }

    @Override
    public void close() throws IOException {
        guest.close();
    }
}
