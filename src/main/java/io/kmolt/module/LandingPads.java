package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Which functions of a module can be called through a pointer where the processor tracks indirect branches (Intel's IBT,
 * which Debian's 6.12 uses): those that begin with {@code ENDBR64}. Where an indirect call or jump lands on anything else,
 * the processor raises #CP, and the kernel dies of it.
 *
 * <p>The compiler writes one into every function that others may know. objtool lists those whose address nobody takes
 * after all in {@code .ibt_endbr_seal}, and the loader overwrites theirs ({@code apply_seal_endbr()} in {@code
 * arch/x86/kernel/alternative.c} of Linux 6.12). Returns are not tracked.
 */
public final class LandingPads {
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

    private final KernelModule module;
    private final Set<Spot> sealed = new HashSet<>();
    private final boolean tracked;

    private record Spot(int section, long offset) {}

    private LandingPads(KernelModule module) {
        this.module = module;
        for (ElfSection section : module.elf().sections()) {
            if (section.name().equals(".ibt_endbr_seal")) {
                module.references(section.index()).forEach(r -> seal(r.referent()));
            }
        }
        this.tracked = module.items().stream().anyMatch(i -> i.function() && begins(i));
    }

    public static LandingPads of(KernelModule module) {
        return new LandingPads(module);
    }

    private void seal(Referent referent) {
        switch (referent) {
            // Two names may stand for one place.
            case Referent.InItem(Item item, long delta) -> sealed.add(new Spot(item.section(), item.offset() + delta));
            case Referent.Anonymous place -> sealed.add(new Spot(place.section(), place.offset()));
            case Referent.Literal _, Referent.Import _, Referent.Absolute _ -> {}
        }
    }

    private boolean begins(Item function) {
        byte[] content = module.content(function.section());
        int at = (int) function.offset();
        return at + ENDBR64.length <= content.length
                && Arrays.equals(content, at, at + ENDBR64.length, ENDBR64, 0, ENDBR64.length);
    }

    /** Whether the module was built for a kernel that tracks indirect branches: then some function has a landing pad. */
    public boolean tracked() {
        return tracked;
    }

    /** Whether a function of the module, once loaded, can be called through a pointer. */
    public boolean has(Item function) {
        return !tracked || (begins(function) && !sealed.contains(new Spot(function.section(), function.offset())));
    }
}
