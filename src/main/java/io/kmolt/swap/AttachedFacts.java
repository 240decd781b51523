package io.kmolt.swap;

import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a kernel tells of those who are attached to functions of some modules.
 *
 * @param sites the functions whose ftrace sites are in use
 * @param probes kprobes and kretprobes
 * @param patches functions that livepatches have replaced
 * @param tracers the tracers that are on
 * @param events trace events that are on, as {@code SYSTEM:EVENT}
 * @param unknown what the kernel does not tell, and how it could
 */
record AttachedFacts(
        List<Site> sites,
        List<Probe> probes,
        List<Patch> patches,
        List<Tracer> tracers,
        List<String> events,
        List<String> unknown) {

    /**
     * An ftrace site in use, from tracefs' {@code enabled_functions} ({@code t_show()} in {@code kernel/trace/ftrace.c}).
     *
     * @param users how many there are
     * @param flags as printed: R wants registers, I changes where calls go, D is a direct call
     * @param callback the only user's function, with its module; empty if there are several users
     * @param direct what is called directly; empty if nothing is
     */
    record Site(String module, String function, int users, String flags, String callback, String direct) {
        boolean has(char flag) {
            return flags.indexOf(flag) >= 0;
        }

        Site withDirect(String target) {
            return new Site(module, function, users, flags, callback, target);
        }
    }

    /**
     * A kprobe, from debugfs' {@code kprobes/list} ({@code report_probe()} in {@code kernel/kprobes.c}).
     *
     * @param place function and offset
     * @param onReturn whether it is a kretprobe
     * @param ftrace whether it uses the function's ftrace site
     * @param enabled whether it is armed
     */
    record Probe(String module, String place, boolean onReturn, boolean ftrace, boolean enabled) {
        String function() {
            int plus = place.lastIndexOf('+');
            return plus < 0 ? place : place.substring(0, plus);
        }
    }

    /**
     * A function that a livepatch has replaced.
     *
     * @param name the livepatch, which is a module
     * @param address where that module is, as in {@code /proc/modules}
     * @param size its size in bytes
     */
    record Patch(String name, String module, String function, long address, long size) {}

    /**
     * A tracer that is on.
     *
     * @param instance of tracefs; {@code .} for the main one
     * @param name such as {@code function}
     * @param all whether no filter restricts it, so that it also sees what is loaded later
     */
    record Tracer(String instance, String name, boolean all) {
        boolean tracesFunctions() {
            return name.startsWith("function") || name.equals("stack");
        }
    }

    /** Prints sections that begin with {@code == NAME}; {@code MODULES} stands for names, separated by bars. */
    private static final String QUESTION = """
            t=/sys/kernel/tracing
            [ -e $t/enabled_functions ] || t=/sys/kernel/debug/tracing
            echo '== enabled'
            if [ -e $t/enabled_functions ]; then
                grep -A 4 -E '\\[(MODULES)\\] \\(' $t/enabled_functions
            else
                echo '== untold tracefs is not mounted'
            fi
            echo '== probes'
            if [ -e /sys/kernel/debug/kprobes/list ]; then
                grep -E '[[:space:]](MODULES)([[:space:]]|$)' /sys/kernel/debug/kprobes/list
            else
                echo '== untold debugfs is not mounted'
            fi
            echo '== patches'
            for f in /sys/kernel/livepatch/*/*/*,*; do
                [ -e "$f" ] || continue
                p=${f#/sys/kernel/livepatch/}
                echo "$p $(grep "^${p%%/*} " /proc/modules)"
            done
            echo '== tracers'
            for i in $t $t/instances/*; do
                c=$(cat "$i/current_tracer" 2>/dev/null) || continue
                n=${i#"$t"}
                [ "$c" = nop ] || echo "${n:-.} $c $(head -n 1 "$i/set_ftrace_filter" 2>/dev/null)"
            done
            if [ "$(cat /proc/sys/kernel/stack_tracer_enabled 2>/dev/null)" = 1 ]; then
                echo ". stack $(head -n 1 $t/stack_trace_filter 2>/dev/null)"
            fi
            echo '== events'
            cat $t/set_event 2>/dev/null
            true
            """;

    /** NAME [MODULE] (USERS) FLAGS, then who they are. */
    private static final Pattern SITE = Pattern.compile("(\\S+) \\[(\\S+)] \\((\\d+)\\)([ A-Z]*)(.*)");

    private static final Pattern CALLBACK = Pattern.compile("->(\\S+(?: \\[\\S+])?)\\s*$");
    private static final Pattern DIRECT = Pattern.compile("\\s+direct\\S*-->(.*?)\\s*");
    /** ADDRESS KIND PLACE MODULE STATES. */
    private static final Pattern PROBE = Pattern.compile("\\S+\\s+([kr])\\s+(\\S+)\\s+(\\S+)\\s*(.*)");

    private static final String SEVERAL = "arch_ftrace_ops_list_func";
    private static final String NO_FILTER = "#### all functions";

    /** Asks for those at functions of some loaded modules; changes nothing. */
    static AttachedFacts ask(Target target, Collection<String> modules) throws TargetException {
        String script = QUESTION.replace("MODULES", String.join("|", modules));
        return parse(target.run(script, Target.DEFAULT_TIMEOUT).stdout(), modules);
    }

    static AttachedFacts parse(String text, Collection<String> modules) {
        AttachedFacts facts = new AttachedFacts(
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>());
        String section = "";
        @Nullable Site last = null;
        for (String line : text.lines().toList()) {
            if (line.startsWith("== untold ")) {
                facts.unknown.add(line.substring(10));
            } else if (line.startsWith("== ")) {
                section = line.substring(3);
            } else {
                switch (section) {
                    case "enabled" -> last = facts.addSite(line, last, modules);
                    case "probes" -> facts.addProbe(line, modules);
                    case "patches" -> facts.addPatch(line, modules);
                    case "tracers" -> facts.addTracer(line);
                    case "events" -> facts.events.add(line.strip());
                    default -> {}
                }
            }
        }
        return facts;
    }

    /** Returns the site that the next line may say more about. */
    private @Nullable Site addSite(String line, @Nullable Site last, Collection<String> modules) {
        Matcher direct = DIRECT.matcher(line);
        if (direct.matches()) {
            if (last != null) {
                sites.set(sites.size() - 1, last.withDirect(withoutOffset(direct.group(1))));
            }
            return null;
        }
        Matcher site = SITE.matcher(line);
        if (!site.matches()) {
            return last;
        }
        if (!modules.contains(site.group(2))) {
            return null;
        }
        Matcher callback = CALLBACK.matcher(site.group(5));
        String who = callback.find() ? withoutOffset(callback.group(1)) : "";
        Site found = new Site(
                site.group(2),
                site.group(1),
                Integer.parseInt(site.group(3)),
                site.group(4).replace(" ", ""),
                who.startsWith(SEVERAL) ? "" : who,
                "");
        sites.add(found);
        return found;
    }

    /** {@code f+0x0/0x10 [module]} is {@code f [module]}. */
    private static String withoutOffset(String function) {
        return function.replaceFirst("\\+0x0/0x\\w+", "");
    }

    private void addProbe(String line, Collection<String> modules) {
        Matcher probe = PROBE.matcher(line);
        if (probe.matches()
                && modules.contains(probe.group(3))
                && !probe.group(4).contains("[GONE]")) {
            probes.add(new Probe(
                    probe.group(3),
                    probe.group(2).replaceFirst("\\+0x0$", ""),
                    probe.group(1).equals("r"),
                    probe.group(4).contains("[FTRACE]"),
                    !probe.group(4).contains("[DISABLED]")));
        }
    }

    /** PATCH/MODULE/FUNCTION,POSITION and the patch's line of {@code /proc/modules}. */
    private void addPatch(String line, Collection<String> modules) {
        String[] words = line.split(" ");
        String[] path = words[0].split("/");
        if (path.length == 3 && modules.contains(path[1])) {
            boolean placed = words.length > 6 && words[6].startsWith("0x");
            patches.add(new Patch(
                    path[0],
                    path[1],
                    path[2].substring(0, path[2].lastIndexOf(',')),
                    placed ? Long.parseUnsignedLong(words[6].substring(2), 16) : 0,
                    placed ? Long.parseLong(words[2]) : 0));
        }
    }

    private void addTracer(String line) {
        String[] words = line.split(" ", 3);
        if (words.length >= 2) {
            tracers.add(new Tracer(
                    words[0].replaceFirst("^/instances/", ""),
                    words[1],
                    words.length < 3 || words[2].isBlank() || words[2].startsWith(NO_FILTER)));
        }
    }
}
