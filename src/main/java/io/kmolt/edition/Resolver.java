package io.kmolt.edition;

import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds in a kernel what a file means by a name, or says why that is not certain. */
final class Resolver {
    private static final String VMLINUX = "vmlinux";

    private final EditionTarget target;
    private final List<Refusal> refusals;

    /**
     * What a name turned out to be.
     *
     * @param place how many of that name stand before it in its object
     * @param namesakes how many of that name its object has
     */
    record Found(KernelSymbol symbol, int place, int namesakes) {}

    Resolver(EditionTarget target, List<Refusal> refusals) {
        this.target = target;
        this.refusals = refusals;
    }

    Optional<Found> resolve(DeclaredEdition edition) {
        return resolve(
                edition.name(),
                "function",
                edition.function(),
                edition.object(),
                edition.occurrence(),
                found -> "KMOLT_EDITION(%s, %d, %s, %d)"
                        .formatted(
                                edition.function(),
                                edition.number(),
                                found.symbol().objectName(),
                                found.place() + 1));
    }

    Optional<Found> resolve(NeededSymbol needed) {
        return resolve(
                needed.name(),
                needed.called() ? "function" : "symbol",
                needed.name(),
                needed.object(),
                needed.occurrence(),
                found -> "extern … KMOLT_SYMBOL(%s, %s, %d)"
                        .formatted(found.symbol().objectName(), needed.name(), found.place() + 1));
    }

    /** How a candidate would be named in C. */
    private interface Spelling {
        String of(Found found);
    }

    private Optional<Found> resolve(
            String subject, String what, String name, Optional<String> object, int occurrence, Spelling spelling) {
        List<Found> all = candidates(name);
        List<Found> candidates = all.stream()
                .filter(found ->
                        object.isEmpty() || object.get().equals(found.symbol().objectName()))
                .filter(found -> occurrence == 0 || found.place() + 1 == occurrence)
                .toList();
        if (candidates.isEmpty()) {
            return refuse(Kind.NO_SYMBOL, subject, whyMissing(what, name, object, occurrence, all));
        }
        if (candidates.size() > 1) {
            return refuse(
                    Kind.AMBIGUOUS_SYMBOL,
                    subject,
                    "there are %d symbols %s in the kernel; say which one is meant: %s"
                            .formatted(
                                    candidates.size(),
                                    name,
                                    candidates.stream().map(spelling::of).collect(Collectors.joining(", or "))));
        }
        Found found = candidates.getFirst();
        if (found.symbol().isHidden()) {
            return refuse(
                    Kind.HIDDEN_ADDRESS,
                    "kernel.kptr_restrict",
                    "the kernel hides addresses: kmolt must run as root there, with kernel.kptr_restrict below 2");
        }
        if (what.equals("function") && !found.symbol().isFunction()) {
            return refuse(
                    Kind.WRONG_SYMBOL,
                    subject,
                    "%s is data, not a function (type %c in /proc/kallsyms)"
                            .formatted(name, found.symbol().type()));
        }
        if (isFreed(found.symbol().address())) {
            return refuse(
                    Kind.WRONG_SYMBOL,
                    subject,
                    name + " was part of the kernel's initialisation, whose memory has been freed since");
        }
        return Optional.of(found);
    }

    private Optional<Found> refuse(Kind kind, String subject, String reason) {
        refusals.add(new Refusal(kind, subject, reason));
        return Optional.empty();
    }

    /** What the kernel itself and its modules have under that name; several names for one address are one. */
    private List<Found> candidates(String name) {
        Map<String, Map<Long, KernelSymbol>> byObject = new LinkedHashMap<>();
        for (KernelSymbol symbol : target.symbols().getOrDefault(name, List.of())) {
            if (isPartOfKernel(symbol.object())) {
                byObject.computeIfAbsent(symbol.object(), _ -> new LinkedHashMap<>())
                        .putIfAbsent(symbol.address(), symbol);
            }
        }
        List<Found> candidates = new ArrayList<>();
        for (Map<Long, KernelSymbol> inOne : byObject.values()) {
            int place = 0;
            for (KernelSymbol symbol : inOne.values()) {
                candidates.add(new Found(symbol, place++, inOne.size()));
            }
        }
        return candidates;
    }

    /** Not what BPF, ftrace and kprobes list as if it were in a module (kernel/kallsyms.c). */
    private static boolean isPartOfKernel(String object) {
        return !object.equals("bpf") && !object.startsWith("__builtin__");
    }

    private boolean isFreed(long address) {
        Optional<Long> begin = edge("__init_begin");
        Optional<Long> end = edge("__init_end");
        return begin.isPresent()
                && end.isPresent()
                && Long.compareUnsigned(address, begin.get()) >= 0
                && Long.compareUnsigned(address, end.get()) < 0;
    }

    private Optional<Long> edge(String name) {
        return target.symbols().getOrDefault(name, List.of()).stream()
                .filter(symbol -> symbol.object().isEmpty())
                .map(KernelSymbol::address)
                .findFirst();
    }

    private String whyMissing(
            String what, String name, Optional<String> object, int occurrence, List<Found> elsewhere) {
        String where =
                object.filter(o -> !o.equals(VMLINUX)).map(o -> "module " + o).orElse("the kernel");
        StringBuilder why = new StringBuilder();
        long there = elsewhere.stream()
                .filter(found ->
                        object.isEmpty() || object.get().equals(found.symbol().objectName()))
                .count();
        if (there > 0) {
            return "%s has %d of the name %s, so there is no number %d".formatted(where, there, name, occurrence);
        }
        why.append("there is no ")
                .append(what)
                .append(' ')
                .append(name)
                .append(" in ")
                .append(where);
        if (object.isPresent()
                && !object.get().equals(VMLINUX)
                && !target.modules().containsKey(object.get())) {
            why.append(", which is not loaded");
        }
        if (!elsewhere.isEmpty()) {
            why.append("; there is one in ")
                    .append(elsewhere.stream()
                            .map(found -> found.symbol().objectName())
                            .distinct()
                            .collect(Collectors.joining(", ")));
            return why.toString();
        }
        List<String> similar = target.similar().getOrDefault(name, List.of());
        if (!similar.isEmpty()) {
            why.append("; it has ").append(String.join(", ", similar));
        }
        if (object.isEmpty()) {
            why.append("; if it belongs to a module, load that first");
        }
        return why.toString();
    }
}
