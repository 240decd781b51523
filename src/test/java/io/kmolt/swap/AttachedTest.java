package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.link.Held;
import io.kmolt.swap.AttachedUser.Effect;
import io.kmolt.swap.AttachedUser.Kind;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is made of the files in which a kernel tells who is attached to functions. */
class AttachedTest {
    /** As 6.1.0-55 prints it, and two lines as 6.12 does. */
    private static final String TOLD = """
            == enabled
            greeter_show [greeter] (1) R    \ttramp: 0xffffffffc0223000 (kprobe_ftrace_handler+0x0/0x1b0) ->kprobe_ftrace_handler+0x0/0x1b0
            greeter_release [greeter] (1)   I  \ttramp: 0xffffffffc031a000 (klp_ftrace_handler+0x0/0x110) ->klp_ftrace_handler+0x0/0x110
            greeter_read [greeter] (2) R     ->arch_ftrace_ops_list_func+0x0/0x1d0
            greeter_open [greeter] (1) R   D\ttramp: ftrace_regs_caller+0x0/0x58 (call_direct_funcs+0x0/0x30)
            \tdirect-->kmolt_direct_entry+0x0/0xd [kmolt_direct]
            vfs_read (1) R   D\ttramp: ftrace_regs_caller+0x0/0x58 (call_direct_funcs+0x0/0x30)
            \tdirect-->bpf_trampoline_6442534646+0x0/0x1000
            --
            greeter_ioctl [greeter] (1) R   D         \ttramp: ftrace_regs_caller+0x0/0x58 (call_direct_funcs+0x0/0x30)
            \tdirect-->bpf_trampoline_6442511222+0x0/0x1000
            greeter_write [greeter] (1)           \ttramp: 0xffffffffc031e000 (ftrace_graph_func+0x0/0x20) ->ftrace_graph_func+0x0/0x20
            == probes
            ffffffffc020e040  k  greeter_show+0x0  greeter [FTRACE]
            ffffffffc020e240  r  greeter_read+0x0  greeter [FTRACE]
            ffffffffc020e1c5  k  greeter_ioctl+0x5  greeter [OPTIMIZED]
            ffffffffc020e5c0  k  greeter_write+0x0  greeter [DISABLED][FTRACE]
            ffffffffc020e5c0  k  greeter_chime+0x0  greeter [GONE]
            == patches
            kmolt_lp_cost/greeter/greeter_release,1 kmolt_lp_cost 16384 1 - Live 0xffffffffc02ef000 (OEK)
            == tracers
            /instances/foo function greeter_read [greeter]
            == events
            ext4:ext4_sync_file_enter
            """;

    private static final AttachedFacts FACTS = AttachedFacts.parse(TOLD, List.of("greeter"));

    private static Attached greeter(AttachedFacts facts) {
        return new Attached("greeter", facts, false, Set.of());
    }

    private static AttachedUser user(Kind kind, String function, String detail, Effect effect) {
        return new AttachedUser(kind, "greeter", List.of(function), detail, effect);
    }

    @Test
    void everybodyIsFoundOnceAndOthersOfTheKernelAreNot() {
        assertThat(greeter(FACTS).users(function -> false))
                .containsExactlyInAnyOrder(
                        user(Kind.KPROBE, "greeter_show", "", Effect.BLINDED),
                        user(Kind.KRETPROBE, "greeter_read", "", Effect.BLINDED),
                        user(Kind.KPROBE, "greeter_ioctl+0x5", "", Effect.BLINDED),
                        user(Kind.KPROBE, "greeter_write", "disabled", Effect.BLINDED),
                        user(Kind.LIVEPATCH, "greeter_release", "kmolt_lp_cost", Effect.BYPASSED),
                        user(Kind.DIRECT_CALL, "greeter_open", "kmolt_direct_entry [kmolt_direct]", Effect.BLINDED),
                        user(Kind.BPF, "greeter_ioctl", "bpf_trampoline_6442511222", Effect.BLINDED),
                        new AttachedUser(
                                Kind.TRACER,
                                "greeter",
                                List.of("greeter_read", "greeter_write"),
                                "function of instance foo",
                                Effect.BLINDED));
    }

    @Test
    void whoeverHasASiteForHimselfHoldsIt() {
        Held held = greeter(FACTS).held();
        assertThat(held.by()).containsOnlyKeys("greeter_release", "greeter_open", "greeter_ioctl");
        assertThat(held.by().get("greeter_release")).isEqualTo("livepatch (kmolt_lp_cost)");
        assertThat(held.code()).containsExactly(new Held.Code(0xffffffffc02ef000L, 0xffffffffc02f3000L));
    }

    private static AttachedFacts enabled(String line, String tracers) {
        return AttachedFacts.parse("== enabled\n" + line + "\n== tracers\n" + tracers, List.of("greeter"));
    }

    @Test
    void kmoltItselfIsNoUser() {
        Attached alone = greeter(enabled(
                "greet [greeter] (1)   I  \ttramp: 0xffffffffc0 (handler+0x0/0x80 [kmolt]) ->handler+0x0/0x80 [kmolt]",
                ""));
        assertThat(alone.users(f -> false)).isEmpty();
        assertThat(alone.held().by()).isEmpty();

        AttachedFacts two = enabled("greet [greeter] (2)   I   ->arch_ftrace_ops_list_func+0x0/0x1d0", "");
        Attached redirected = new Attached("greeter", two, true, Set.of());
        assertThat(redirected.users(f -> false))
                .singleElement()
                .extracting(AttachedUser::kind)
                .isEqualTo(Kind.TRACER);
        assertThat(redirected.held().by()).isEmpty();

        String dispatcher = "greet [greeter] (1) R   D\ttramp: x (call_direct_funcs+0x0/0x30)\n"
                + "\tdirect-->kmolt_dispatch+0x0/0x10 [kmolt_routes_3]";
        Attached routed = new Attached("greeter", enabled(dispatcher, ""), false, Set.of("kmolt_routes_3"));
        assertThat(routed.users(f -> false)).isEmpty();
        assertThat(routed.held().by()).isEmpty();
    }

    @Test
    void somebodyElseWhoChangesWhereCallsGoHoldsTheSite() {
        Attached other = greeter(
                enabled("greet [greeter] (1)   I  \ttramp: x (theirs+0x0/0x8 [them]) ->theirs+0x0/0x8 [them]", ""));
        assertThat(other.held().by()).containsOnlyKeys("greet");
        assertThat(other.users(f -> false))
                .containsExactly(user(Kind.REDIRECT, "greet", "theirs [them]", Effect.BYPASSED));
    }

    @Test
    void aTracerOfAllFunctionsIsCutOffFromNone() {
        AttachedFacts facts = enabled(
                "greet [greeter] (1)   \ttramp: x (function_trace_call+0x0/0x120) ->function_trace_call+0x0/0x120",
                ". function #### all functions enabled ####");
        AttachedUsers users = new AttachedUsers(List.of(greeter(facts)));
        assertThat(users.atRevert())
                .singleElement()
                .satisfies(u -> assertThat(u.effect()).isEqualTo(Effect.KEPT))
                .satisfies(u -> assertThat(u.where()).isEqualTo("tracer (function) on all functions"));
    }

    @Test
    void whatCannotBeLookedAtIsSaid() {
        AttachedFacts facts = AttachedFacts.parse("== enabled\n== untold tracefs is not mounted\n", List.of("greeter"));
        assertThat(new AttachedUsers(List.of(greeter(facts))).untold())
                .containsExactly("who is attached to its functions cannot be told in full: tracefs is not mounted");
    }

    @Test
    void nobodyIsCutOffUnlessThatIsAcknowledgedAndWhatConflictsIsRefusedAnyway() {
        List<AttachedUser> probe = List.of(user(Kind.KPROBE, "greet", "", Effect.BLINDED));
        SwapException no = catchThrowableOfType(
                SwapException.class, () -> AttachedUsers.require("greeter", "swapped", probe, false));
        assertThat(no.kind()).isEqualTo(SwapException.Kind.REFUSED);
        assertThat(no).hasMessageContaining("--acknowledge");
        assertThat(no.refusals()).extracting(r -> r.subject()).containsExactly("kprobe on greeter:greet");
        assertThatCode(() -> AttachedUsers.require("greeter", "swapped", probe, true))
                .doesNotThrowAnyException();

        List<AttachedUser> kept = List.of(user(Kind.KPROBE, "greet", "", Effect.KEPT));
        assertThatCode(() -> AttachedUsers.require("greeter", "swapped", kept, false))
                .doesNotThrowAnyException();

        List<AttachedUser> conflict = List.of(user(Kind.LIVEPATCH, "greet", "fix", Effect.CONFLICTS));
        assertThat(catchThrowableOfType(
                        SwapException.class, () -> AttachedUsers.require("greeter", "swapped", conflict, true)))
                .isNotNull();
    }

    @Test
    void onlyThoseWhoCameSinceTheFirstLookAreNew() {
        AttachedUser early = user(Kind.KPROBE, "greet", "", Effect.BLINDED);
        AttachedUser late = user(Kind.KPROBE, "greeter_open", "", Effect.BLINDED);
        AttachedUser harmless = user(Kind.KPROBE, "greeter_read", "", Effect.KEPT);
        assertThat(AttachedUsers.since(List.of(early), List.of(early, late, harmless)))
                .containsExactly(late);
    }
}
