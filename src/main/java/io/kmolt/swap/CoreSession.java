package io.kmolt.swap;

import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import io.kmolt.target.TargetFileException;
import java.util.List;

/** An open {@code /dev/kmolt}: owns what is staged; closing it discards that. */
public final class CoreSession implements AutoCloseable {
    private static final String DEVICE = "/dev/kmolt";

    private final Target target;
    private final Conversation conversation;

    private CoreSession(Target target, Conversation conversation) {
        this.target = target;
        this.conversation = conversation;
    }

    public static CoreSession open(Target target) throws TargetException, SwapException {
        try {
            return new CoreSession(target, target.open(DEVICE));
        } catch (TargetFileException e) {
            String owner = target.readText(Core.SYSFS + "/owner");
            if (owner.equals("none")) {
                throw e;
            }
            throw SwapException.busy(
                    "another kmolt is at work on " + target.describe() + ": pid " + owner.replaceFirst(" ", " (") + ")",
                    List.of());
        }
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
