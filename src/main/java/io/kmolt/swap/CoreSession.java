package io.kmolt.swap;

import io.kmolt.target.Conversation;
import io.kmolt.target.Errno;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import io.kmolt.target.TargetFileException;
import java.time.Duration;
import java.util.List;

/** An open {@code /dev/kmolt}: owns what is staged; closing it discards that. */
public final class CoreSession implements AutoCloseable {
    private static final String DEVICE = "/dev/kmolt";

    /** What a tool has left behind that was killed is mostly taken back in a second or two. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final long WAIT_MILLIS = 100;

    private final Target target;
    private final Conversation conversation;

    private CoreSession(Target target, Conversation conversation) {
        this.target = target;
        this.conversation = conversation;
    }

    /**
     * Opens it.
     *
     * @throws SwapException if another kmolt is at work
     */
    public static CoreSession open(Target target) throws TargetException, SwapException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return new CoreSession(target, target.open(DEVICE));
            } catch (TargetFileException e) {
                // Somebody may have let go of it just now; of a core that is being loaded it may not be there yet.
                requireFree(target);
                boolean passes = e.errno() == Errno.EBUSY || e.errno() == Errno.ENOENT;
                if (!passes || System.nanoTime() > end) {
                    throw e;
                }
            }
            Pause.millis(WAIT_MILLIS);
        }
    }

    /** Refuses where opening it would be refused. */
    static void requireFree(Target target) throws TargetException, SwapException {
        Owner owner = requireTidied(target);
        if (!owner.isNone()) {
            throw atWork(target, owner);
        }
    }

    /**
     * Refuses while something is taken back, as ftrace may keep whoever looks at its users waiting for as long.
     *
     * @return who has it open now
     */
    static Owner requireTidied(Target target) throws TargetException, SwapException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        Owner owner = Owner.of(target);
        while (owner.isClosing()) {
            if (System.nanoTime() > end) {
                throw atWork(target, owner);
            }
            Pause.millis(WAIT_MILLIS);
            owner = Owner.of(target);
        }
        return owner;
    }

    private static SwapException atWork(Target target, Owner owner) {
        return SwapException.busy("another kmolt is at work on " + target.describe() + ": " + owner, List.of());
    }

    public Reply send(String command) throws TargetException {
        return Reply.parse(conversation.exchange(command));
    }

    /** The tasks that a reply names, with the builds that they are in. */
    public List<Blocker> blockers(Reply reply) throws TargetException {
        return reply.blockers().isEmpty() ? List.of() : new StackNames(CoreState.ask(target)).in(reply.blockers());
    }

    @Override
    public void close() {
        conversation.close();
    }
}
