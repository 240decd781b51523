package io.kmolt.swap;

import io.kmolt.link.Descriptor;
import io.kmolt.sign.SigningKey;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Judges whether kmolt can work on a target, before anything is changed there: one method for each question. */
public final class Doctor {
    /** Kernel features that the core uses, by configuration option, and a symbol that is there only with the option. */
    private static final Map<String, String> FEATURES = Map.of(
            "UNWINDER_ORC", "unwind_module_init", // arch/x86/kernel/unwind_orc.c
            "DYNAMIC_FTRACE_WITH_ARGS", "ftrace_regs_caller", // arch/x86/kernel/ftrace_64.S
            "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "register_ftrace_direct", // kernel/trace/ftrace.c
            "LIVEPATCH", "klp_enable_patch", // kernel/livepatch/core.c
            "KPROBES", "register_kprobe", // kernel/kprobes.c
            "MODULE_UNLOAD", "__x64_sys_delete_module"); // kernel/module/main.c

    private Doctor() {}

    /** Looks at everything. */
    public static Diagnosis examine(Target target) throws IOException {
        Vitals vitals = Vitals.ask(target);
        return Diagnosis.of(target.describe(), checks(vitals, Core.built(vitals.get("release")), target.signer()));
    }

    /**
     * Refuses a target that kmolt cannot work on.
     *
     * @throws SwapException with the first reason and the next step
     */
    public static void requireFit(Target target) throws IOException, SwapException {
        Diagnosis diagnosis = examine(target);
        if (diagnosis.firstUnfit().isPresent()) {
            Check no = diagnosis.firstUnfit().get();
            throw SwapException.unfit(
                    "%s is unfit: %s: %s; %s".formatted(target.describe(), no.name(), no.found(), no.advice()));
        }
    }

    static List<Check> checks(Vitals vitals, BuiltCore built, Optional<SigningKey> key) {
        List<Check> checks = new ArrayList<>();
        checks.add(kernel(vitals));
        checks.add(architecture(vitals));
        checks.add(root(vitals));
        checks.add(lockdown(vitals));
        checks.add(Signatures.check(vitals, key));
        checks.add(modulesDisabled(vitals));
        checks.add(addresses(vitals));
        checks.add(ftrace(vitals));
        checks.add(keptOut(vitals));
        checks.add(features(vitals));
        checks.add(rmmod(vitals));
        checks.add(coreFile(vitals, built));
        checks.add(coreLoaded(vitals, built));
        checks.add(owner(vitals));
        checks.add(DirectCalls.check(vitals));
        return checks;
    }

    private static Check kernel(Vitals vitals) {
        String release = vitals.get("release");
        if (vitals.get("realtime").equals("1")) {
            return Check.unfit(
                    "kernel",
                    release + " is a real-time kernel (PREEMPT_RT), in which holders of spinlocks sleep",
                    "boot the kernel of the same version without -rt");
        }
        return release.startsWith("6.1.") || release.startsWith("6.12.")
                ? Check.ok("kernel", release)
                : Check.unfit("kernel", release + " is not supported", "use kmolt on Debian 12's kernels 6.1 and 6.12");
    }

    private static Check architecture(Vitals vitals) {
        String machine = vitals.get("machine");
        return machine.equals("x86_64")
                ? Check.ok("architecture", machine)
                : Check.unfit("architecture", machine + " is not supported", "use kmolt on x86-64");
    }

    private static Check root(Vitals vitals) {
        return vitals.get("uid").equals("0")
                ? Check.ok("root", "runs as root")
                : Check.unfit("root", "runs as user " + vitals.get("uid"), "run kmolt as root there");
    }

    /** security/lockdown/lockdown.c: the mode that is on stands in brackets. */
    private static Check lockdown(Vitals vitals) {
        String modes = vitals.get("lockdown");
        if (modes.contains("[integrity]") || modes.contains("[confidentiality]")) {
            return Check.ok("lockdown", modes + ": modules must be signed; it forbids nothing else that kmolt needs");
        }
        if (modes.isEmpty() && !vitals.has("lsm")) {
            return Check.warning(
                    "lockdown",
                    "cannot be told: securityfs is not mounted",
                    "mount -t securityfs securityfs /sys/kernel/security");
        }
        return Check.ok("lockdown", modes.isEmpty() ? "not part of this kernel" : modes);
    }

    private static Check modulesDisabled(Vitals vitals) {
        return vitals.get("modules_disabled").equals("1")
                ? Check.unfit(
                        "module loading",
                        "kernel.modules_disabled is 1 until the next boot",
                        "find who sets it (sysctl.d), and reboot without it")
                : Check.ok("module loading", "allowed");
    }

    /** What counts is what root sees: kernel.kptr_restrict alone does not tell (kernel/kallsyms.c). */
    private static Check addresses(Vitals vitals) {
        String restrict = "kernel.kptr_restrict is " + vitals.get("kptr_restrict");
        if (!vitals.has("address")) {
            return Check.warning("addresses", "cannot be told: no module is loaded; " + restrict, "load one");
        }
        return vitals.get("address").matches("0x0+")
                ? Check.unfit(
                        "addresses",
                        "the kernel hides addresses: " + restrict,
                        "sysctl -w kernel.kptr_restrict=1, and run kmolt as root there")
                : Check.ok("addresses", "root sees them; " + restrict);
    }

    private static Check ftrace(Vitals vitals) {
        return switch (vitals.get("ftrace_enabled")) {
            case "1" -> Check.ok("ftrace", "enabled");
            case "" ->
                Check.unfit("ftrace", "the kernel has no function tracing", "use a kernel with CONFIG_FUNCTION_TRACER");
            default -> Check.unfit("ftrace", "kernel.ftrace_enabled is 0", "sysctl -w kernel.ftrace_enabled=1");
        };
    }

    private static Check keptOut(Vitals vitals) {
        for (String word : List.of("kmolt.enable=0", "kmolt.enable=n", "kmolt.enable=N")) {
            if (vitals.has("cmdline", word)) {
                return Check.unfit(
                        "kept out", word + " is on the kernel command line", "boot without it to use kmolt here");
            }
        }
        return Check.ok("kept out", "no");
    }

    private static Check features(Vitals vitals) {
        if (!vitals.has("features_from")) {
            return Check.warning(
                    "kernel features",
                    "cannot be told: neither /boot/config-" + vitals.get("release") + " nor /proc/kallsyms is readable",
                    "make one of them readable");
        }
        List<String> missing = FEATURES.entrySet().stream()
                .filter(f -> !vitals.has("features", f.getKey()) && !hasSymbol(vitals, f.getValue()))
                .map(f -> "CONFIG_" + f.getKey())
                .sorted()
                .toList();
        String source = " (" + vitals.get("features_from") + ")";
        return missing.isEmpty()
                ? Check.ok("kernel features", "all there" + source)
                : Check.unfit(
                        "kernel features",
                        "missing: " + String.join(", ", missing) + source,
                        "use a kernel that was built with them");
    }

    private static boolean hasSymbol(Vitals vitals, String symbol) {
        return vitals.has("symbols", symbol) || vitals.has("symbols", symbol + "_multi");
    }

    private static Check rmmod(Vitals vitals) {
        return vitals.has("rmmod")
                ? Check.ok("rmmod", "/sbin/rmmod is there")
                : Check.unfit(
                        "rmmod",
                        "/sbin/rmmod, with which the core unloads what it no longer needs, is missing",
                        "install kmod");
    }

    private static Check coreFile(Vitals vitals, BuiltCore built) {
        if (built.problem().isEmpty()) {
            return Check.ok("core file", built.file());
        }
        Check kernel = kernel(vitals); // building a core for a kernel that is not supported would not help
        return Check.unfit(
                "core file",
                built.problem(),
                kernel.state() == Check.State.OK ? "make core KERNELS=" + vitals.get("release") : kernel.advice());
    }

    private static Check coreLoaded(Vitals vitals, BuiltCore built) {
        if (!vitals.has("core_abi")) {
            return Check.ok("core", "not loaded; swap loads it");
        }
        String advice = "revert what it has swapped, then rmmod kmolt";
        if (!vitals.get("core_abi").equals("" + Descriptor.ABI)) {
            return Check.unfit(
                    "core", "loaded with ABI " + vitals.get("core_abi") + ", needed is " + Descriptor.ABI, advice);
        }
        String loaded = Core.buildId(vitals.get("core_note"));
        if (!built.buildId().isEmpty() && !loaded.equals(built.buildId())) {
            return Check.unfit(
                    "core",
                    "another build of it is loaded: build-id " + loaded + ", the core file's is " + built.buildId(),
                    advice);
        }
        return Check.ok("core", "loaded, ABI " + vitals.get("core_abi") + ", build-id " + loaded);
    }

    private static Check owner(Vitals vitals) {
        Owner owner = new Owner(vitals.get("core_owner"));
        return owner.isNone()
                ? Check.ok("other kmolt", "none at work")
                : Check.warning("other kmolt", "one is at work: " + owner, "wait until it is done");
    }
}
