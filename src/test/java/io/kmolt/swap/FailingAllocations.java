package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import java.io.IOException;

/** Makes each allocation of the core fail once, in turn, while a step is tried again and again. */
public final class FailingAllocations {
    private static final String KNOB = "/sys/module/kmolt/parameters/fail_alloc";

    /** More than any command allocates. */
    static final int LIMIT = 100;

    private final SwapGuest guest;
    private final String spared;
    private final Change undo;

    /** Something that is to be done. */
    public interface Step {
        /** Whether it succeeded; if not, it was refused for lack of memory. */
        boolean tried() throws Exception;
    }

    /** Something that succeeds. */
    public interface Change {
        void make() throws Exception;
    }

    private FailingAllocations(SwapGuest guest, String spared, Change undo) {
        this.guest = guest;
        this.spared = spared;
        this.undo = undo;
    }

    public static FailingAllocations of(SwapGuest guest) {
        return new FailingAllocations(guest, "", () -> {});
    }

    /**
     * For a step that tidies up at its end, and can do without that.
     *
     * @param log what the kernel's log says then
     * @param undo leads back to where the step can be tried once more
     */
    public FailingAllocations sparing(String log, Change undo) {
        return new FailingAllocations(guest, log, undo);
    }

    /**
     * Tries a step with its first, second, third … allocation failing, until it needs no more.
     *
     * @param step its name
     * @param question a script whose answer must not change as long as the step is refused
     * @return how many it needs
     */
    public int each(String step, Step tried, String question) throws Exception {
        Target target = guest.target();
        for (int nth = 1; nth < LIMIT; nth++) {
            String as = step + ", allocation " + nth;
            String before = guest.sh(question);
            long saidBefore = said();
            target.writeText(KNOB, "" + nth);
            boolean success = tried.tried();
            boolean failed = target.readText(KNOB).equals("0");
            target.writeText(KNOB, "0");
            guest.assertQuiet();
            if (success && !failed) {
                System.out.printf("%s: %d allocations%n", step, nth - 1);
                return nth - 1;
            }
            assertThat(failed).as(as + " failed").isTrue();
            if (success) {
                assertThat(said()).as(as + " is not needed").isGreaterThan(saidBefore);
                undo.make();
            } else {
                assertThat(guest.sh(question)).as(as).isEqualTo(before);
            }
        }
        throw new AssertionError(step + " never succeeds");
    }

    private long said() throws IOException {
        return spared.isEmpty() ? 0 : guest.logged(spared);
    }

    /** Sends a command that succeeds, or fails for lack of memory. */
    public static boolean send(Conversation core, String command) throws IOException {
        return accepted(command, Reply.parse(core.exchange(command)));
    }

    /** Sends a command that succeeds, or fails for lack of memory. */
    public static boolean send(CoreSession core, String command) throws IOException {
        return accepted(command, core.send(command));
    }

    private static boolean accepted(String command, Reply reply) {
        if (!reply.isOk()) {
            assertThat(reply.error()).as(command + ": " + reply.message()).isEqualTo("memory");
            assertThat(reply.message()).contains("not enough memory");
        }
        return reply.isOk();
    }

    /** Loads a module by one system call; some insmods try another one where the first has failed. */
    public static boolean inserts(SwapGuest guest, byte[] image, String parameters) throws IOException {
        guest.target().writeFile("/tmp/update.ko", image);
        CommandResult result = guest.attempt("/sbin/insmod /tmp/update.ko " + parameters);
        if (!result.ok()) {
            assertThat(result.stderr()).contains("Cannot allocate memory");
        }
        return result.ok();
    }
}
