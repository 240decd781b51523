package io.kmolt.module;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfSection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a section of a kernel module is for, and so what becomes of it in an update.
 *
 * <p>Only names that are known are handled; a module with another one is refused. What the kernel does with it at load, or
 * what it would do a second time for an update, nobody could say.
 *
 * <p>Sources: {@code include/asm-generic/vmlinux.lds.h}, {@code scripts/module.lds.S} and
 * {@code kernel/module/main.c} of Linux 6.1 and 6.12; every section that occurs in Debian's modules is known here,
 * which {@code SectionCorpusTest} sees to.
 */
public enum SectionKind {
    /** Code that runs while the module is loaded. */
    TEXT("comes along; calls to the old build's functions are led to it"),
    /** Code that runs once, at load; freed afterwards. */
    INIT_TEXT("comes along and is not called; if it differs, the swap needs a hook"),
    /** Code that runs at unload. */
    EXIT_TEXT("comes along; if it differs, the swap needs a hook"),
    /** Trampolines of static calls, which the kernel rewrites. */
    STATIC_CALL_TEXT("those in the kernel are used"),
    /** Variables: what is in them at run time survives a swap. */
    STATE("those in the kernel are used; one that only the new build has comes along"),
    /** Variables that exist once for each CPU. */
    PERCPU("those in the kernel are used; one that only the new build has comes along"),
    /** Constants and operation tables: their contents come from the code. */
    DEFINITION(
            "comes along; of tables that name code or variables the one in the kernel is used, and its words are replaced"),
    /** String literals, merged by content. */
    STRINGS("comes along; where an address may be kept, the equal string in the kernel is used"),
    /** Numeric constants, merged by content. */
    CONSTANTS("comes along"),
    /** Variables that belong to the tracing infrastructure, which has registered them. */
    TRACE("those in the kernel are used; hidden from the loader by another name"),
    /** Only read at load, to register something; an update must not register it again. */
    REGISTRATION("hidden from the loader by another name"),
    /** Names the hooks of a build, which kmolt reads and nobody else. */
    HOOKS("read by kmolt; the hooks are called as the descriptor says"),
    /** Data that is used at load or unload only. */
    INIT_DATA("comes along, for code that is not called"),
    /** Describes the code next to it; every copy of the code needs its own. */
    METADATA("comes along, for the code that it describes"),
    /** The module's {@code struct module}. */
    THIS_MODULE("replaced by one with the update's name; code that means its module means the base"),
    /** What the module says of itself. */
    MODINFO("replaced: license, versions and namespaces are kept"),
    /** CRCs of the symbols that it imports. */
    VERSIONS("comes along, with those of what the update itself imports"),
    /** ELF notes, the build-id among them. */
    NOTE("comes along"),
    /** Not loaded. */
    FILE_ONLY("stays in the file; types are hidden from the loader by another name");

    private static final Map<String, SectionKind> BY_NAME = Map.ofEntries(
            Map.entry(".text", TEXT),
            Map.entry(".text.unlikely", TEXT),
            Map.entry(".text.hot", TEXT),
            Map.entry(".text.startup", TEXT),
            Map.entry(".text.exit", TEXT),
            Map.entry(".noinstr.text", TEXT),
            Map.entry(".init.text", INIT_TEXT),
            Map.entry(".exit.text", EXIT_TEXT),
            Map.entry(".static_call.text", STATIC_CALL_TEXT),
            Map.entry(".data", STATE),
            Map.entry(".data.once", STATE),
            Map.entry(".data.unlikely", STATE),
            Map.entry(".data..once", STATE),
            Map.entry(".data..do_once", STATE),
            Map.entry(".data..cacheline_aligned", STATE),
            Map.entry(".data..page_aligned", STATE),
            Map.entry(".data..read_mostly", STATE),
            Map.entry(".data..ro_after_init", STATE),
            Map.entry(".bss", STATE),
            Map.entry(".bss..page_aligned", STATE),
            Map.entry(".data..percpu", PERCPU),
            Map.entry(".rodata", DEFINITION),
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

    /** What the compiler and {@code asm} name by what is merged in it: {@code .rodata.str1.8}, {@code .rodata.cst16.MASK1}. */
    private static final Pattern MERGED_STRINGS = Pattern.compile("\\.rodata\\.str\\d+\\.\\d+");

    private static final Pattern MERGED_CONSTANTS = Pattern.compile("\\.rodata\\.cst\\d+(\\.\\w+)?");

    /** What occurs without {@code SHF_ALLOC}, relocations apart; {@code find_sec()} of the kernel passes over such sections. */
    private static final Set<String> NOT_LOADED =
            Set.of(".BTF", ".comment", ".note.GNU-stack", ".shstrtab", ".strtab", ".symtab");

    private final String inUpdate;

    SectionKind(String inUpdate) {
        this.inUpdate = inUpdate;
    }

    /** What a section is for; empty if that is not known, which only happens for sections that are loaded. */
    public static Optional<SectionKind> of(ElfSection section) {
        if (!section.isAlloc()) {
            return Optional.of(FILE_ONLY);
        }
        if (section.type() == Elf.SHT_NOTE) {
            return Optional.of(NOTE);
        }
        if (section.isMergeable() && section.isStrings() && isNamed(section, MERGED_STRINGS)) {
            // Strings of wider characters are rare, and are left where they are.
            return Optional.of(section.entsize() == 1 ? STRINGS : DEFINITION);
        }
        if (section.isMergeable() && !section.isStrings() && isNamed(section, MERGED_CONSTANTS)) {
            return Optional.of(CONSTANTS);
        }
        return Optional.ofNullable(BY_NAME.get(section.name()));
    }

    private static boolean isNamed(ElfSection section, Pattern pattern) {
        return pattern.matcher(section.name()).matches();
    }

    /** The names of the sections of this kind, apart from those that {@link #of} tells by their type or by a pattern. */
    public SortedSet<String> names() {
        SortedSet<String> names = new TreeSet<>(this == FILE_ONLY ? NOT_LOADED : Set.of());
        BY_NAME.forEach((name, kind) -> {
            if (kind == this) {
                names.add(name);
            }
        });
        return names;
    }

    /** What becomes of it in an update, as the rest of a sentence. */
    public String inUpdate() {
        return inUpdate;
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
