package io.kmolt.swap;

import io.kmolt.target.Target;
import java.io.IOException;
import java.util.List;

/**
 * What is swapped on a target.
 *
 * @param target its name
 * @param core its core, with the modules asked for
 */
public record Status(String target, CoreState core) {

    /** All modules that have editions. */
    public static Status ofAll(Target target) throws IOException {
        CoreState core = CoreState.ask(target);
        return new Status(
                target.describe(),
                core.with(core.modules().stream()
                        .filter(m -> !m.editions().isEmpty())
                        .toList()));
    }

    /**
     * One module; with no editions if it has none.
     *
     * @throws SwapException if it is not loaded
     */
    public static Status of(Target target, String moduleName) throws IOException, SwapException {
        String module = ModuleName.check(moduleName);
        LoadedModule.requireLoaded(target, module);
        CoreState core = CoreState.ask(target);
        return new Status(
                target.describe(), core.with(List.of(core.module(module).orElseGet(() -> SwappedModule.none(module)))));
    }

    public List<SwappedModule> modules() {
        return core.modules();
    }
}
