package io.kmolt.cli;

/** What {@code kmolt} ends with. Stable: scripts depend on these. */
public final class ExitCode {
    /** Done. */
    public static final int OK = 0;

    /** kmolt says no, with a reason; the system is unchanged. */
    public static final int REFUSED = 1;

    /** The command line makes no sense; as picocli has it where a command does not say otherwise. */
    public static final int USAGE = 2;

    /** The target or the input cannot be handled: an unsupported kernel, a kernel not fetched, a file that is damaged. */
    public static final int UNFIT = 3;

    /** Busy or timed out; nothing has changed. */
    public static final int BUSY = 4;

    /** Something unexpected failed: input or output, or an error of the kernel. */
    public static final int FAILED = 5;

    /** A lab guest crashed, or its kernel complained (WARN, BUG, oops, stall, hung task). */
    public static final int GUEST_CRASHED = 6;

    /** {@code lab run}: the time limit ran out (as timeout(1) has it). */
    public static final int TIME_LIMIT = 124;

    /** {@code diff}: swappable once the new build declares hooks. */
    public static final int NEEDS_HOOK = 1;

    /** {@code diff}: not swappable. */
    public static final int NOT_SWAPPABLE = 2;

    /** {@code diff}: the command line makes no sense ({@code EX_USAGE} of sysexits.h), as 2 means something else there. */
    public static final int USAGE_OF_DIFF = 64;

    private ExitCode() {}
}
