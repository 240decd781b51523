package io.kmolt.target;

import java.util.regex.Pattern;

/** What a kernel prints first when something is wrong with it: a WARN, BUG, oops, panic, stall, lockup, hung task … */
public final class KernelComplaint {
    /** After the time stamp, and with CONFIG_PRINTK_CALLER the task or CPU. */
    private static final Pattern FIRST_LINE = Pattern.compile("^\\[ *\\d+\\.\\d+\\](?:\\[ *[TC]\\d+\\])? "
            + "(?:WARNING: |BUG: |kernel BUG at|Kernel panic - not syncing|Oops: |PANIC: |UBSAN: "
            + "|general protection fault[:,]|(?:stack segment|double fault|invalid opcode|divide error|int3|trap invalid"
            + ")[:,] .*\\[#\\d+\\]|Unable to handle kernel|unable to handle|refcount_t: |list_(?:add|del) corruption"
            + "|rcu: INFO: .*stall|INFO: rcu_|rcu: .*kthread starved|INFO: task .* blocked for more than"
            + "|INFO: trying to register non-static key"
            + "|watchdog: BUG|NMI watchdog: Watchdog detected|sysfs: cannot create duplicate|DEBUG_LOCKS_WARN|Unpatched return thunk"
            + "|ftrace bug|Bad page state|kobject_add_internal failed).*");

    private KernelComplaint() {}

    /** Whether a line of a kernel log, with its time stamp, is the first one of a complaint. */
    public static boolean begins(String line) {
        return FIRST_LINE.matcher(line).matches();
    }
}
