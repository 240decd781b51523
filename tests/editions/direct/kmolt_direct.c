// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another one who has a direct call at a function's entry, as BPF's fentry programs have
 * one: it counts the calls of the parameter "function" in the parameter "calls" and lets
 * them go on. Loading it fails where somebody has one already.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/asm-offsets.h>

static char *function = "cmdline_proc_show";
module_param(function, charp, 0444);

unsigned long kmolt_direct_calls;
module_param_named(calls, kmolt_direct_calls, ulong, 0444);

void kmolt_direct_entry(void);

/* It changes nothing but the flags, which mean nothing at a function's entry. */
asm(
"	.pushsection	.text, \"ax\", @progbits\n"
"	.type		kmolt_direct_entry, @function\n"
"	.globl		kmolt_direct_entry\n"
"kmolt_direct_entry:\n"
	ASM_ENDBR
"	lock incq	kmolt_direct_calls(%rip)\n"
	ASM_RET
"	.size		kmolt_direct_entry, .-kmolt_direct_entry\n"
"	.popsection\n"
);

static struct ftrace_ops ops;

/* As of 6.5, the former "multi" is the only one. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define register_direct		register_ftrace_direct
#define unregister_direct(ops, entry)	unregister_ftrace_direct(ops, entry, false)
#else
#define register_direct		register_ftrace_direct_multi
#define unregister_direct	unregister_ftrace_direct_multi
#endif

static int __init kmolt_direct_init(void)
{
	int err = ftrace_set_filter(&ops, function, strlen(function), 1);

	if (!err)
		err = register_direct(&ops, (unsigned long)kmolt_direct_entry);
	if (err)
		ftrace_free_filter(&ops);
	return err;
}
module_init(kmolt_direct_init);

static void __exit kmolt_direct_exit(void)
{
	unregister_direct(&ops, (unsigned long)kmolt_direct_entry);
	ftrace_free_filter(&ops);
}
module_exit(kmolt_direct_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Has a direct call at a function's entry");
