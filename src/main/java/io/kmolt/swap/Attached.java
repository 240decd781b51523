package io.kmolt.swap;

import io.kmolt.link.Held;
import io.kmolt.swap.AttachedFacts.Patch;
import io.kmolt.swap.AttachedFacts.Probe;
import io.kmolt.swap.AttachedFacts.Site;
import io.kmolt.swap.AttachedFacts.Tracer;
import io.kmolt.swap.AttachedUser.Effect;
import io.kmolt.swap.AttachedUser.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Who is attached to the functions of one loaded build, apart from kmolt itself: worked out from what the kernel tells,
 * which names the users of an ftrace site only while there is one of them. Where there are more, those that are known
 * otherwise are taken off their number, and what is left is a tracer.
 *
 * @param module the build: the base's name, or an edition
 * @param facts what the kernel tells
 * @param redirected whether kmolt's redirects may be at the build's functions
 * @param dispatchers the modules with kmolt's dispatchers
 */
record Attached(String module, AttachedFacts facts, boolean redirected, Set<String> dispatchers) {
    private static final String BPF_TRAMPOLINE = "bpf_trampoline_";

    /** The functions that ftrace would not let be redirected. */
    Held held() {
        Map<String, String> by = new HashMap<>();
        List<Held.Code> code = new ArrayList<>();
        for (Site site : sites()) {
            if (isDirect(site)) {
                by.put(site.function(), called(kindOfDirect(site), site.direct()));
            } else if (changesTheWay(site)) {
                by.put(site.function(), called(Kind.REDIRECT, site.callback()));
            }
        }
        for (Patch patch : patches()) {
            by.put(patch.function(), called(Kind.LIVEPATCH, patch.name()));
            code.add(new Held.Code(patch.address(), patch.address() + patch.size()));
        }
        return new Held(Map.copyOf(by), code.stream().distinct().toList());
    }

    private String called(Kind kind, String detail) {
        return new AttachedUser(kind, module, List.of(), detail, Effect.CONFLICTS).where();
    }

    /**
     * All of them, and what becomes of them once another build answers.
     *
     * @param goesOn whether a function goes on to be called
     */
    List<AttachedUser> users(Predicate<String> goesOn) {
        List<AttachedUser> users = new ArrayList<>();
        for (Probe probe : probes()) {
            users.add(user(
                    probe.onReturn() ? Kind.KRETPROBE : Kind.KPROBE,
                    List.of(probe.place()),
                    probe.enabled() ? "" : "disabled",
                    goesOn.test(probe.function()) ? Effect.KEPT : Effect.BLINDED));
        }
        for (Patch patch : patches()) {
            users.add(user(
                    Kind.LIVEPATCH,
                    List.of(patch.function()),
                    patch.name(),
                    goesOn.test(patch.function()) ? Effect.KEPT : Effect.BYPASSED));
        }
        SortedMap<String, List<String>> seen = new TreeMap<>();
        SortedMap<String, List<String>> kept = new TreeMap<>();
        for (Site site : sites()) {
            boolean stays = goesOn.test(site.function());
            List<String> function = List.of(site.function());
            if (isDirect(site)) {
                users.add(user(kindOfDirect(site), function, site.direct(), stays ? Effect.KEPT : Effect.BLINDED));
            }
            if (changesTheWay(site)) {
                users.add(user(Kind.REDIRECT, function, site.callback(), stays ? Effect.KEPT : Effect.BYPASSED));
            }
            if (site.users() > known(site)) {
                (stays ? kept : seen)
                        .computeIfAbsent(tracer(site), t -> new ArrayList<>())
                        .add(site.function());
            }
        }
        seen.forEach((who, functions) -> users.add(user(Kind.TRACER, functions, who, Effect.BLINDED)));
        kept.forEach((who, functions) -> users.add(user(Kind.TRACER, functions, who, Effect.KEPT)));
        return users;
    }

    private AttachedUser user(Kind kind, List<String> functions, String detail, Effect effect) {
        return new AttachedUser(kind, module, List.copyOf(functions), detail, effect);
    }

    /** How many users of a site are accounted for. All kprobes of it are one user, and so is all of livepatch. */
    private long known(Site site) {
        long known = facts.tracers().stream()
                .filter(t -> t.tracesFunctions() && t.all())
                .count();
        if (probes().stream()
                .anyMatch(p -> p.enabled() && p.ftrace() && p.function().equals(site.function()))) {
            known++;
        }
        // Another build's redirect and a livepatch exclude each other.
        if (site.has('I')) {
            known++;
        }
        if (site.has('D')) {
            known++;
        }
        return known;
    }

    /** Who it is that sees the calls; what there is to be said if the kernel does not name him. */
    private String tracer(Site site) {
        String filtered = facts.tracers().stream()
                .filter(t -> t.tracesFunctions() && !t.all())
                .map(Attached::name)
                .distinct()
                .collect(Collectors.joining(", "));
        return filtered.isEmpty() ? site.callback() : filtered;
    }

    static String name(Tracer tracer) {
        return tracer.instance().equals(".") ? tracer.name() : tracer.name() + " of instance " + tracer.instance();
    }

    private boolean isDirect(Site site) {
        return site.has('D')
                && dispatchers.stream().noneMatch(d -> site.direct().endsWith("[" + d + "]"));
    }

    private static Kind kindOfDirect(Site site) {
        return site.direct().startsWith(BPF_TRAMPOLINE) ? Kind.BPF : Kind.DIRECT_CALL;
    }

    /** Whether somebody changes where calls go who is neither kmolt nor a livepatch. */
    private boolean changesTheWay(Site site) {
        return site.has('I')
                && !redirected
                && !site.callback().endsWith("[kmolt]")
                && patches().stream().noneMatch(p -> p.function().equals(site.function()));
    }

    private List<Site> sites() {
        return facts.sites().stream().filter(s -> s.module().equals(module)).toList();
    }

    /** Each but once: a perf event of all CPUs is a kprobe for each of them. */
    private List<Probe> probes() {
        return facts.probes().stream()
                .filter(p -> p.module().equals(module))
                .distinct()
                .toList();
    }

    private List<Patch> patches() {
        return facts.patches().stream().filter(p -> p.module().equals(module)).toList();
    }
}
