package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds what belongs to trace events: all that the sections which the kernel reads to register them name, directly or
 * through other data ({@code trace_module_add_events()}, {@code tracepoint_module_coming()} and {@code
 * bpf_event_notify()}).
 */
final class TraceItems {
    private static final Set<String> REGISTERED =
            Set.of("_ftrace_events", "__tracepoints_ptrs", "__bpf_raw_tp_map", "_ftrace_eval_map");

    private TraceItems() {}

    static Set<Item> find(KernelModule module) {
        Set<Item> found = new HashSet<>();
        Deque<Item> work = new ArrayDeque<>();
        for (ElfSection section : module.elf().sections()) {
            if (REGISTERED.contains(section.name())) {
                for (Reference reference : module.references(section.index())) {
                    add(reference, found, work);
                }
            } else if (module.kind(section.index()) == SectionKind.TRACE) {
                module.in(section.index()).stream().filter(found::add).forEach(work::add);
            }
        }
        while (!work.isEmpty()) {
            Item item = work.remove();
            if (!item.function()) {
                module.references(item).forEach(r -> add(r, found, work));
            }
        }
        return found;
    }

    private static void add(Reference reference, Set<Item> found, Deque<Item> work) {
        if (reference.referent() instanceof Referent.InItem in
                && in.item().kind() != SectionKind.THIS_MODULE
                && found.add(in.item())) {
            work.add(in.item());
        }
    }
}
