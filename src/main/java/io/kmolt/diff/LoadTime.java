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
 * Finds the code that runs when a module is loaded, and what runs when it is unloaded: what {@code module_init} and
 * {@code module_exit} reach by calls.
 *
 * @param init all that {@code module_init} reaches
 * @param onlyInit of these, what nothing but init and exit reaches: a swap never runs it
 * @param exit all that {@code module_exit} reaches
 * @param onlyExit of these, what nothing but init and exit reaches: it will run on state that another build has set up.
 *     Functions whose address is taken, also by either, are callbacks, and may run at any time
 */
record LoadTime(Set<Item> init, Set<Item> onlyInit, Set<Item> exit, Set<Item> onlyExit) {

    static LoadTime of(KernelModule module) {
        Set<Item> init = new HashSet<>();
        Set<Item> exit = new HashSet<>();
        Set<Item> others = new HashSet<>();
        for (Item item : module.items()) {
            if (!item.function()) {
                if (isKept(item.kind())) {
                    module.references(item).forEach(r -> addFunction(r, others));
                }
                continue;
            }
            if (item.kind() == SectionKind.INIT_TEXT || item.name().equals("init_module")) {
                init.add(item);
            } else if (item.kind() == SectionKind.EXIT_TEXT || item.name().equals("cleanup_module")) {
                exit.add(item);
            }
            module.references(item).stream()
                    .filter(r -> r.use() == Reference.Use.ADDRESS)
                    .forEach(r -> addFunction(r, others));
        }
        module.elf().sections().stream()
                .filter(s -> s.name().startsWith("__ksymtab") || module.kind(s.index()) == SectionKind.HOOKS)
                .forEach(s -> module.references(s.index()).forEach(r -> addFunction(r, others)));
        Set<Item> always = reached(module, others);
        Set<Item> fromInit = reached(module, init);
        Set<Item> fromExit = reached(module, exit);
        return new LoadTime(fromInit, without(fromInit, always), fromExit, without(fromExit, always));
    }

    private static Set<Item> without(Set<Item> items, Set<Item> others) {
        Set<Item> rest = new HashSet<>(items);
        rest.removeAll(others);
        return rest;
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

    /** All functions that some reach by calls, these included. */
    static Set<Item> reached(KernelModule module, Collection<Item> starts) {
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
