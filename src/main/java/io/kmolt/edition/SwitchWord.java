package io.kmolt.edition;

import io.kmolt.swap.Core;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.Facts;
import io.kmolt.swap.Reply;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;

/**
 * A switch: a named word in the core that routes read.
 *
 * @param name its name
 * @param value what it holds
 * @param address where it is
 */
public record SwitchWord(String name, long value, long address) {
    private static final int HEX = 16;

    /** Asks for a switch; one that is not there is made, and is 0. */
    static SwitchWord ask(CoreSession session, String name) throws IOException, SwapException {
        return parse(session.send("switch " + name));
    }

    /**
     * Sets a switch; one that is not there is made.
     *
     * @throws SwapException if there cannot be a switch of that name; then nothing has changed
     */
    public static SwitchWord set(Target target, String name, long value) throws IOException, SwapException {
        Core.load(target, Facts.release(target));
        try (CoreSession session = CoreSession.open(target)) {
            return parse(session.send("switch " + name + " " + value));
        }
    }

    private static SwitchWord parse(Reply reply) throws SwapException {
        if (!reply.isOk()) {
            throw SwapException.unfit(reply.message());
        }
        String[] words = reply.value("switch", "").split(" ");
        return new SwitchWord(words[0], Long.parseLong(words[1]), Long.parseUnsignedLong(words[2], HEX));
    }
}
