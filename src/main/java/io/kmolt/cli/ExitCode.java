package io.kmolt.cli;

/** What {@code kmolt} ends with. Stable: scripts depend on these. */
public final class ExitCode {
    /** Done. */
    public static final int OK = 0;

    /** kmolt says no, with a reason; the system is unchanged. */
    public static final int REFUSED = 1;

    /** The command line makes no sense. */
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

    private ExitCode() {}
}
