package io.kmolt.swap;

import io.kmolt.diff.Refusal;
import io.kmolt.link.Held;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.swap.AttachedUser.Effect;
import io.kmolt.swap.AttachedUser.Kind;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A look at all who are attached to the builds of one module that are in the kernel.
 *
 * @param builds the base first, the build that answers last
 */
record AttachedUsers(List<Attached> builds) {
    private static final String EVENT = "event_";

    /**
     * Looks; changes nothing.
     *
     * @param names names of the builds: the base first, the one that answers last
     * @param staged whether kmolt's redirects are at all of them already
     */
    static AttachedUsers look(Target target, CoreState state, List<String> names, boolean staged)
            throws TargetException {
        AttachedFacts facts = AttachedFacts.ask(target, names);
        Set<String> dispatchers =
                state.editions().stream().map(LoadedEditions::routes).collect(Collectors.toSet());
        List<Attached> builds = new ArrayList<>();
        for (String name : names) {
            boolean answers = builds.size() == names.size() - 1;
            builds.add(new Attached(name, facts, staged || !answers, dispatchers));
        }
        return new AttachedUsers(List.copyOf(builds));
    }

    /** The functions of a build that ftrace would not let be redirected. */
    Held held(int build) {
        return builds.get(build).held();
    }

    private AttachedFacts facts() {
        return builds.getFirst().facts();
    }

    /**
     * All of them, and what a swap for another build does to them. Those at builds that have ceased to answer see as much
     * or as little as before; what trace events have registered goes on to be called by the new build.
     *
     * @param base the base's file
     */
    List<AttachedUser> atSwap(KernelModule base) {
        Set<String> registered = base.functions().stream()
                .filter(base.traceItems()::contains)
                .map(Item::name)
                .collect(Collectors.toSet());
        List<AttachedUser> users = new ArrayList<>();
        for (Attached build : builds) {
            boolean answers = build.equals(builds.getLast());
            users.addAll(build.users(function -> !answers || registered.contains(function)));
        }
        addAllSeeing(users);
        addEvents(base, users);
        return List.copyOf(users);
    }

    /** Those at the build that answers, and what a revert does to them. */
    List<AttachedUser> atRevert() {
        List<AttachedUser> users = new ArrayList<>();
        for (AttachedUser user : builds.getLast().users(function -> false)) {
            users.add(
                    switch (user.kind()) {
                        // Calls that still arrive there are sent back by a redirect, which ftrace would refuse.
                        case LIVEPATCH, DIRECT_CALL, BPF, REDIRECT -> user.with(Effect.CONFLICTS);
                        case KPROBE, KRETPROBE, TRACER, TRACE_EVENT -> user;
                    });
        }
        addAllSeeing(users);
        return List.copyOf(users);
    }

    private void addAllSeeing(List<AttachedUser> users) {
        facts().tracers().stream()
                .filter(t -> t.tracesFunctions() && t.all())
                .map(t -> new AttachedUser(Kind.TRACER, "", List.of(), Attached.name(t), Effect.KEPT))
                .forEach(users::add);
    }

    private void addEvents(KernelModule base, List<AttachedUser> users) {
        Set<String> names = base.traceItems().stream()
                .map(Item::name)
                .filter(name -> name.startsWith(EVENT))
                .map(name -> name.substring(EVENT.length()))
                .collect(Collectors.toSet());
        List<String> on = facts().events().stream()
                .filter(event -> names.contains(event.substring(event.indexOf(':') + 1)))
                .toList();
        if (!on.isEmpty()) {
            users.add(new AttachedUser(Kind.TRACE_EVENT, "", on, "", Effect.KEPT));
        }
    }

    /** The builds with functions that somebody is attached to. */
    Set<String> inUse() {
        return builds.stream()
                .filter(build -> !build.users(function -> true).isEmpty())
                .map(Attached::module)
                .collect(Collectors.toSet());
    }

    /** What could not be looked at, for people. */
    List<String> untold() {
        return facts().unknown().stream()
                .map(why -> "who is attached to its functions cannot be told in full: " + why)
                .toList();
    }

    /**
     * Refuses what may cut somebody off who cannot be seen.
     *
     * @param module the module that is to be swapped or reverted
     */
    void requireTold(String module, boolean acknowledged) throws SwapException {
        if (!untold().isEmpty() && !acknowledged) {
            throw SwapException.refused(
                    "who is attached to functions of module %s cannot be told in full: %s; nothing has changed; mount that, or --acknowledge that they may no longer see calls"
                            .formatted(module, String.join("; ", facts().unknown())),
                    List.of());
        }
    }

    /**
     * Refuses what would cut somebody off without a word.
     *
     * @param what what is to be done: {@code swapped}, {@code reverted}
     */
    static void require(String module, String what, List<AttachedUser> users, boolean acknowledged)
            throws SwapException {
        List<AttachedUser> inTheWay =
                users.stream().filter(u -> u.effect() == Effect.CONFLICTS).toList();
        if (!inTheWay.isEmpty()) {
            throw refused("module %s cannot be %s while others change what it does".formatted(module, what), inTheWay);
        }
        List<AttachedUser> cutOff =
                users.stream().filter(AttachedUser::needsAcknowledgement).toList();
        if (!cutOff.isEmpty() && !acknowledged) {
            throw refused(
                    "others are attached to module %s; nothing has changed; with --acknowledge it is %s all the same"
                            .formatted(module, what),
                    cutOff);
        }
    }

    private static SwapException refused(String message, List<AttachedUser> users) {
        return SwapException.refused(
                message,
                users.stream()
                        .map(u -> new Refusal(Refusal.Kind.ATTACHED, u.where(), u.fate()))
                        .toList());
    }

    /** Those of them that an earlier look has not found and that would be cut off. */
    static List<AttachedUser> since(List<AttachedUser> earlier, List<AttachedUser> now) {
        Set<String> known = new HashSet<>();
        earlier.forEach(u -> u.functions().forEach(f -> known.add(key(u, f))));
        return now.stream()
                .filter(AttachedUser::needsAcknowledgement)
                .filter(u -> !u.functions().stream().allMatch(f -> known.contains(key(u, f))))
                .toList();
    }

    private static String key(AttachedUser user, String function) {
        return user.kind() + " " + user.module() + " " + function;
    }
}
