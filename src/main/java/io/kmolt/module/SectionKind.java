package io.kmolt.module;

import io.kmolt.elf.ElfSection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a section of a kernel module is for, and so what becomes of it in an update.
 *
 * <p>Sources: {@code include/asm-generic/vmlinux.lds.h}, {@code scripts/module.lds.S} and
 * {@code kernel/module/main.c} of Linux 6.1 and 6.12; every section that occurs in Debian's modules is known here.
 */
public enum SectionKind {
    /** Code that runs while the module is loaded. */
    TEXT,
    /** Code that runs once, at load; freed afterwards. */
    INIT_TEXT,
    /** Code that runs at unload. */
    EXIT_TEXT,
    /** Trampolines of static calls, which the kernel rewrites. */
    STATIC_CALL_TEXT,
    /** Variables: what is in them at run time survives a swap. */
    STATE,
    /** Variables that exist once for each CPU. */
    PERCPU,
    /** Constants and operation tables: their contents come from the code. */
    DEFINITION,
    /** String literals, merged by content. */
    STRINGS,
    /** Numeric constants, merged by content. */
    CONSTANTS,
    /** Variables that belong to the tracing infrastructure, which has registered them. */
    TRACE,
    /** Only read at load, to register something; an update must not register it again. */
    REGISTRATION,
    /** Names the hooks of a build, which kmolt reads and nobody else. */
    HOOKS,
    /** Data that is used at load or unload only. */
    INIT_DATA,
    /** Describes the code next to it; every copy of the code needs its own. */
    METADATA,
    /** The module's {@code struct module}. */
    THIS_MODULE,
    /** What the module says of itself. */
    MODINFO,
    /** CRCs of the symbols that it imports. */
    VERSIONS,
    /** ELF notes, the build-id among them. */
    NOTE,
    /** Not loaded. */
    FILE_ONLY;

    private static final Map<String, SectionKind> BY_NAME = Map.ofEntries(
            Map.entry(".init.text", INIT_TEXT),
            Map.entry(".exit.text", EXIT_TEXT),
            Map.entry(".static_call.text", STATIC_CALL_TEXT),
            Map.entry(".ref.data", STATE),
            Map.entry(".init.data", INIT_DATA),
            Map.entry(".init.rodata", INIT_DATA),
            Map.entry(".exit.data", INIT_DATA),
            Map.entry("__tracepoints", TRACE),
            Map.entry("__tracepoints_strings", TRACE),
            Map.entry("__tracepoints_ptrs", REGISTRATION),
            Map.entry("__tracepoint_str", REGISTRATION),
            Map.entry("__trace_printk_fmt", REGISTRATION),
            Map.entry("_ftrace_events", REGISTRATION),
            Map.entry("_ftrace_eval_map", REGISTRATION),
            Map.entry("__bpf_raw_tp_map", REGISTRATION),
            Map.entry("___srcu_struct_ptrs", REGISTRATION),
            Map.entry("__param", REGISTRATION),
            Map.entry("__ksymtab", REGISTRATION),
            Map.entry("__ksymtab_gpl", REGISTRATION),
            Map.entry("__ksymtab_strings", REGISTRATION),
            Map.entry("__kcrctab", REGISTRATION),
            Map.entry("__kcrctab_gpl", REGISTRATION),
            Map.entry(".altinstructions", METADATA),
            Map.entry(".altinstr_replacement", METADATA),
            Map.entry(".altinstr_aux", METADATA),
            Map.entry(".parainstructions", METADATA),
            Map.entry(".smp_locks", METADATA),
            Map.entry(".retpoline_sites", METADATA),
            Map.entry(".return_sites", METADATA),
            Map.entry(".call_sites", METADATA),
            Map.entry(".ibt_endbr_seal", METADATA),
            Map.entry(".cfi_sites", METADATA),
            Map.entry(".orc_unwind", METADATA),
            Map.entry(".orc_unwind_ip", METADATA),
            Map.entry(".orc_header", METADATA),
            Map.entry("__bug_table", METADATA),
            Map.entry("__jump_table", METADATA),
            Map.entry("__ex_table", METADATA),
            Map.entry(".static_call_sites", METADATA),
            Map.entry("__mcount_loc", METADATA),
            Map.entry("__patchable_function_entries", METADATA),
            Map.entry("__dyndbg", METADATA),
            Map.entry("__dyndbg_classes", METADATA),
            Map.entry(".kmolt.prepare", HOOKS),
            Map.entry(".kmolt.unprepare", HOOKS),
            Map.entry(".BTF_ids", DEFINITION),
            Map.entry(".ref.text", TEXT),
            Map.entry(".sched.text", TEXT),
            Map.entry(".gnu.linkonce.this_module", THIS_MODULE),
            Map.entry(".modinfo", MODINFO),
            Map.entry("__versions", VERSIONS));

    private static final List<Map.Entry<String, SectionKind>> BY_PREFIX = List.of(
            Map.entry(".note", NOTE),
            Map.entry(".data..percpu", PERCPU),
            Map.entry(".data", STATE),
            Map.entry(".bss", STATE),
            Map.entry(".rodata.cst", CONSTANTS),
            Map.entry(".rodata", DEFINITION),
            Map.entry(".text", TEXT),
            Map.entry(".noinstr.text", TEXT));

    /** What a section is for; empty if that is not known, which only happens for sections that are loaded. */
    public static Optional<SectionKind> of(ElfSection section) {
        if (!section.isAlloc()) {
            return Optional.of(FILE_ONLY);
        }
        // Strings of wider characters are rare, and are left where they are.
        if (section.isMergeable()
                && section.isStrings()
                && section.entsize() == 1
                && section.name().startsWith(".rodata.str")) {
            return Optional.of(STRINGS);
        }
        SectionKind kind = BY_NAME.get(section.name());
        if (kind != null) {
            return Optional.of(kind);
        }
        return BY_PREFIX.stream()
                .filter(entry -> matches(section.name(), entry.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    private static boolean matches(String name, String prefix) {
        return name.equals(prefix)
                || name.startsWith(prefix + ".")
                || name.startsWith(prefix + "_")
                || (prefix.endsWith(".cst") && name.startsWith(prefix));
    }

    /** Whether code in it may be called while the module is loaded. */
    public boolean isCode() {
        return this == TEXT || this == EXIT_TEXT;
    }

    /** Whether an object in it may be one and the same for all builds. */
    public boolean isData() {
        return this == STATE || this == PERCPU || this == DEFINITION || this == TRACE;
    }
}
