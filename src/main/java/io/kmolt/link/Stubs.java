package io.kmolt.link;

import io.kmolt.elf.ElfEditor;
import java.util.List;

/**
 * The code that an update module adds: three stubs that hand the descriptor to the core. Each is a tail jump, so it never
 * stands on a stack and needs no unwind data.
 *
 * @param init symbol of the stub that enrols the update
 * @param exit symbol of the stub that withdraws it
 * @param baseExit symbol of the stub that becomes the base's exit
 */
record Stubs(int init, int exit, int baseExit) {
    static final List<String> IMPORTS = List.of("kmolt_enroll", "kmolt_withdraw", "kmolt_exit");

    /**
     * Adds the stubs.
     *
     * @param descriptor symbol of the descriptor
     * @param module symbol of the update's own {@code struct module}
     */
    static Stubs add(ElfEditor editor, int descriptor, int module) {
        StubCode code = new StubCode(editor, ".text.kmolt");
        Stubs stubs = new Stubs(
                code.tell("kmolt_stub_init", IMPORTS.get(0), descriptor, module),
                code.tell("kmolt_stub_exit", IMPORTS.get(1), descriptor),
                code.tell("kmolt_stub_base_exit", IMPORTS.get(2), descriptor));
        code.finish();
        return stubs;
    }
}
