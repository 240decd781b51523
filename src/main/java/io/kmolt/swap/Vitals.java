package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.HashMap;
import java.util.Map;

/**
 * What a target says of itself, by name: everything that {@link Doctor} judges, asked for at once because a target may
 * be far away. What it does not have is missing.
 */
record Vitals(Map<String, String> values) {
    /** Prints a name and a value a line; a file's value only if the file is there. */
    private static final String QUESTIONS = """
            say() { printf '%s %s\\n' "$1" "$2"; }
            file() { [ -e "$2" ] && say "$1" "$(cat "$2" 2>/dev/null | tr '\\n' ' ')"; }
            release=$(uname -r)
            say release "$release"
            say machine "$(uname -m)"
            case $(uname -v) in *PREEMPT_RT*) say realtime 1;; esac
            say uid "$(id -u)"
            file lockdown /sys/kernel/security/lockdown
            file lsm /sys/kernel/security/lsm
            file sig_enforce /sys/module/module/parameters/sig_enforce
            keys=$(cat /proc/keys 2>/dev/null) && say keys "$(echo "$keys" | sed -n 's/.* asymmetri *//p' | tr '\\n' ';')"
            file modules_disabled /proc/sys/kernel/modules_disabled
            file kptr_restrict /proc/sys/kernel/kptr_restrict
            file ftrace_enabled /proc/sys/kernel/ftrace_enabled
            file cmdline /proc/cmdline
            read -r _ _ _ _ _ address _ 2>/dev/null </proc/modules && say address "$address"
            [ -x /sbin/rmmod ] && say rmmod yes
            core=/sys/kernel/kmolt
            if [ -e $core ]; then
              file core_abi $core/abi
              file core_owner $core/owner
              say core_routes "$(cat $core/editions/*/routes 2>/dev/null | tr '\\n' ' ')"
              note=/sys/module/kmolt/notes/.note.gnu.build-id
              say core_note "$(od -An -v -tx1 $note 2>/dev/null | tr -d ' \\n')"
            fi
            # While a CPU that is busy delays what the core takes back, ftrace keeps everybody waiting.
            if grep -q ' closing$' /sys/kernel/kmolt/owner 2>/dev/null; then
              say direct_unasked yes
            elif enabled=$(cat /sys/kernel/tracing/enabled_functions 2>/dev/null); then
              lines='/^[^[:space:]]/{s/ ([0-9].*//;h;};/direct.*-->/{s/.*-->//;G;s/\\n/ in /;p;}'
              say direct "$(echo "$enabled" | sed -n "$lines" | tr '\\n' ';')"
            fi
            config=/boot/config-$release
            if [ -r "$config" ]; then
              say features_from "$config"
              options='UNWINDER_ORC|DYNAMIC_FTRACE_WITH_ARGS|DYNAMIC_FTRACE_WITH_DIRECT_CALLS'
              options="$options|LIVEPATCH|KPROBES|MODULE_UNLOAD"
              say features "$(grep -E "^CONFIG_($options)=y" "$config" | sed 's/^CONFIG_//;s/=y//' | tr '\\n' ' ')"
            elif [ -r /proc/kallsyms ]; then
              say features_from /proc/kallsyms
              names='unwind_module_init|ftrace_regs_caller|register_ftrace_direct(_multi)?'
              names="$names|klp_enable_patch|register_kprobe|__x64_sys_delete_module"
              say symbols "$(grep -oE " [Tt] ($names)\\$" /proc/kallsyms | sed 's/.* //' | sort -u | tr '\\n' ' ')"
            fi
            true
            """;

    static Vitals ask(Target target) throws TargetException {
        return parse(target.run(QUESTIONS, Target.DEFAULT_TIMEOUT).stdout());
    }

    static Vitals parse(String text) {
        Map<String, String> values = new HashMap<>();
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", 2);
            values.put(words[0], words.length > 1 ? words[1].strip() : "");
        }
        return new Vitals(Map.copyOf(values));
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    /** A value; empty if the target does not have it. */
    String get(String name) {
        return values.getOrDefault(name, "");
    }

    /** Whether a value, taken as words, contains one. */
    boolean has(String name, String word) {
        return (" " + get(name) + " ").contains(" " + word + " ");
    }
}
