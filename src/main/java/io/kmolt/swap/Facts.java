package io.kmolt.swap;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.RunningModule;
import io.kmolt.module.SectionKind;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a target says of itself and of a loaded module. */
public final class Facts {
    /**
     * Where {@code MODULE} is. Which load of it that is comes first: if it is loaded anew meanwhile, the core meets the
     * number of a load that is over.
     */
    private static final String WHERE = """
            stat -c %i /sys/module/MODULE/ || exit 0
            grep '^MODULE ' /proc/modules || exit 0
            cd /sys/module/MODULE/sections && grep -H '' .[!.]* * 2>/dev/null
            """;

    private Facts() {}

    public static String release(Target target) throws TargetException {
        return target.readText("/proc/sys/kernel/osrelease");
    }

    public static String bootId(Target target) throws TargetException {
        return target.readText("/proc/sys/kernel/random/boot_id");
    }

    /** The build-id of a loaded module; empty if it is not loaded. */
    static Optional<String> buildId(Target target, String module) throws TargetException {
        if (!target.exists("/sys/module/" + module + "/sections")) {
            return Optional.empty();
        }
        String note = "/sys/module/" + module + "/notes/.note.gnu.build-id";
        return Optional.of(target.exists(note) ? Core.buildId(target.readFile(note)) : "");
    }

    /**
     * Where a loaded module is.
     *
     * @param file its file, for the names of its per-CPU variables
     */
    static RunningModule running(Target target, String module, KernelModule file)
            throws TargetException, SwapException {
        CommandResult result = target.run(WHERE.replace("MODULE", module), Target.DEFAULT_TIMEOUT);
        List<String> lines = result.stdout().lines().toList();
        if (lines.size() < 2) {
            throw SwapException.unfit("module " + module + " is not loaded on " + target.describe());
        }
        long load = Long.parseLong(lines.getFirst());
        String[] words = lines.get(1).split(" ");
        Map<String, Long> sections = new HashMap<>();
        for (String line : lines.subList(2, lines.size())) {
            int colon = line.lastIndexOf(":0x");
            if (colon > 0) {
                sections.put(line.substring(0, colon), Long.parseUnsignedLong(line.substring(colon + 3), 16));
            }
        }
        long address = Long.parseUnsignedLong(words[5].substring(2), 16);
        if (address == 0) {
            throw SwapException.unfit("the kernel of " + target.describe()
                    + " hides addresses: kmolt must run as root there, with kernel.kptr_restrict below 2");
        }
        return new RunningModule(
                module, address, Long.parseLong(words[1]), load, sections, perCpu(target, module, file));
    }

    private static Map<String, Long> perCpu(Target target, String module, KernelModule file) throws TargetException {
        List<Item> items = file.objects().stream()
                .filter(i -> i.kind() == SectionKind.PERCPU)
                .toList();
        Map<String, Long> addresses = new HashMap<>();
        if (items.isEmpty()) {
            return addresses;
        }
        String names =
                items.stream().map(Item::name).map(n -> n.replace(".", "\\.")).collect(Collectors.joining("|"));
        CommandResult result = target.run(
                "grep -E ' (" + names + ")[[:space:]]+\\[" + module + "\\]$' /proc/kallsyms", Target.DEFAULT_TIMEOUT);
        for (String line : result.stdout().lines().toList()) {
            String[] words = line.split("\\s+");
            addresses.put(words[2], Long.parseUnsignedLong(words[0], 16));
        }
        return addresses;
    }
}
