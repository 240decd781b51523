package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.module.SectionKind;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds the code that runs only while a module is loaded into the kernel, which a swap therefore never runs: what {@code
 * module_init} reaches by calls, and nothing else does. Functions whose address is taken, also by {@code module_init},
 * are callbacks, and may run at any time.
 */
final class LoadTime {
    private LoadTime() {}

    static Set<Item> only(KernelModule module) {
        Set<Item> starts = new HashSet<>();
        Set<Item> others = new HashSet<>();
        for (Item item : module.items()) {
            if (!item.function()) {
                if (isKept(item.kind())) {
                    module.references(item).forEach(r -> addFunction(r, others));
                }
                continue;
            }
            if (item.kind() == SectionKind.INIT_TEXT || item.name().equals("init_module")) {
                starts.add(item);
            } else if (item.kind() == SectionKind.EXIT_TEXT || item.name().equals("cleanup_module")) {
                others.add(item);
            }
            module.references(item).stream()
                    .filter(r -> r.use() == Reference.Use.ADDRESS)
                    .forEach(r -> addFunction(r, others));
        }
        module.elf().sections().stream()
                .filter(s -> s.name().startsWith("__ksymtab"))
                .forEach(s -> module.references(s.index()).forEach(r -> addFunction(r, others)));
        Set<Item> only = reached(module, starts);
        only.removeAll(reached(module, others));
        return only;
    }

    private static boolean isKept(SectionKind kind) {
        return kind.isData() || kind == SectionKind.REGISTRATION;
    }

    private static void addFunction(Reference reference, Set<Item> functions) {
        if (reference.referent() instanceof Referent.InItem in
                && in.item().function()
                && in.item().kind() != SectionKind.INIT_TEXT) {
            functions.add(in.item());
        }
    }

    private static Set<Item> reached(KernelModule module, Collection<Item> starts) {
        Set<Item> reached = new HashSet<>(starts);
        Deque<Item> work = new ArrayDeque<>(starts);
        while (!work.isEmpty()) {
            for (Reference reference : module.references(work.remove())) {
                if (reference.use() == Reference.Use.BRANCH
                        && reference.referent() instanceof Referent.InItem in
                        && in.item().function()
                        && reached.add(in.item())) {
                    work.add(in.item());
                }
            }
        }
        return reached;
    }
}
