package io.kmolt.swap;

import java.util.List;

/**
 * Somebody who has attached himself to functions of a loaded build: to see their calls, or to change what they do.
 *
 * @param kind what he is
 * @param module the module that the functions are in: the base, or an edition
 * @param functions the functions, or places in them ({@code greeter_read+0x1c}); empty for all functions of the kernel
 * @param detail more about him, such as who he is; may be empty
 * @param effect what becomes of him
 */
public record AttachedUser(Kind kind, String module, List<String> functions, String detail, Effect effect) {
    private static final int MOST_NAMES = 6;

    /** Kinds of users; programs may rely on the names. */
    public enum Kind {
        /** Also a perf event or a BPF program on one: the kernel does not tell for whom a kprobe is. */
        KPROBE("kprobe"),
        KRETPROBE("kretprobe"),
        /** A function tracer, or any other user of ftrace that sees calls. */
        TRACER("tracer"),
        /** A BPF program's trampoline: fentry, fexit, fmod_ret. */
        BPF("BPF program"),
        /** A module that has had its own code called directly. */
        DIRECT_CALL("direct call"),
        LIVEPATCH("livepatch"),
        /** A user of ftrace that changes where calls go, and is no livepatch. */
        REDIRECT("redirect"),
        TRACE_EVENT("trace event");

        private final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    /** What becomes of a user; programs may rely on the names. */
    public enum Effect {
        /** He would no longer see calls. */
        BLINDED("loses sight of calls that go straight to another build"),
        /** What he has changed would no longer be in force. */
        BYPASSED("loses its effect"),
        /** He sees as much as before. */
        KEPT("stays as it is"),
        /** The kernel cannot have both. */
        CONFLICTS("stands in the way: detach it first");

        private final String text;

        Effect(String text) {
            this.text = text;
        }
    }

    AttachedUser with(Effect other) {
        return new AttachedUser(kind, module, functions, detail, other);
    }

    /** Whether it takes an operator's word to cut him off. */
    public boolean needsAcknowledgement() {
        return effect == Effect.BLINDED || effect == Effect.BYPASSED;
    }

    /** Who he is and where: {@code kprobe on greeter:greeter_show}. */
    public String where() {
        String who = detail.isEmpty() ? kind.text : kind.text + " (" + detail + ")";
        if (functions.isEmpty()) {
            return who + (kind == Kind.TRACER ? " on all functions" : "");
        }
        String names = String.join(", ", functions.subList(0, Math.min(functions.size(), MOST_NAMES)));
        int more = functions.size() - MOST_NAMES;
        return who + " on " + (module.isEmpty() ? "" : module + ":") + names
                + (more > 0 ? " and " + more + " more" : "");
    }

    /** What becomes of him, as the rest of a sentence. */
    public String fate() {
        return effect.text;
    }
}
