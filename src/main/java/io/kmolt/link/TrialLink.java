package io.kmolt.link;

import io.kmolt.diff.Comparison;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Types;
import io.kmolt.diff.Verdict;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfSection;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.SectionKind;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether a new build links onto an old one, asked of the two files alone: the old one is laid out in memory as a kernel
 * would, and the new one is linked onto it. What that finds depends on what the code does with addresses, and not on where
 * it is; so a swap in a kernel in which the old build answers, and nobody is attached to it, finds the same.
 */
public final class TrialLink {
    private static final long START = 0xffff_ffff_c000_0000L;
    private static final long PER_CPU = 0x3_0000L;
    private static final String BOOT = "00000000-0000-0000-0000-000000000000";

    private TrialLink() {}

    /**
     * Adds to a comparison the reasons that linking finds; none if it has one already that no hook can take care of, or
     * if the files are no modules that can be told from others by a build-id.
     */
    public static Comparison judge(Comparison comparison, Types types) {
        if (!isLinkable(comparison.oldModule())
                || !isLinkable(comparison.newModule())
                || comparison.verdict() == Verdict.NOT_SWAPPABLE) {
            return comparison;
        }
        Set<Refusal> refusals = new LinkedHashSet<>(comparison.refusals());
        refusals.addAll(refusals(comparison, types));
        return comparison.withRefusals(List.copyOf(refusals));
    }

    private static boolean isLinkable(KernelModule module) {
        return module.isLoadable() && module.buildId().isPresent();
    }

    private static List<Refusal> refusals(Comparison comparison, Types types) {
        KernelModule loaded = comparison.oldModule();
        Layer base = new Layer(layOut(loaded), comparison, types);
        // Nobody will load it, so that any module stands in for the core, and any boot for the target's.
        LinkInput input = new LinkInput("kmolt_trial", BOOT, "", comparison.newModule(), List.of(base), loaded);
        try {
            return Linker.refusals(input);
        } catch (ElfException e) {
            return List.of(new Refusal(
                    Refusal.Kind.SECTION, comparison.newModule().name(), "cannot be rewritten: " + e.getMessage()));
        }
    }

    private static RunningModule layOut(KernelModule module) {
        Map<String, Long> sections = new HashMap<>();
        long next = START;
        for (ElfSection section : module.elf().sections()) {
            if (section.isAlloc()) {
                long align = Math.max(1, section.addralign());
                next = (next + align - 1) / align * align;
                sections.put(section.name(), next);
                next += section.size();
            }
        }
        Map<String, Long> perCpu = new HashMap<>();
        for (Item item : module.objects()) {
            if (item.kind() == SectionKind.PERCPU) {
                perCpu.put(item.name(), PER_CPU + item.offset());
            }
        }
        return new RunningModule(module.name(), START, next - START, 0, sections, perCpu);
    }
}
