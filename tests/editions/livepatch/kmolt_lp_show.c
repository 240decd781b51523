// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another one who changes functions: the kernel's own livepatch, on a function of the
 * kernel proper that shows a file in /proc: cmdline_proc_show, meminfo_proc_show,
 * version_proc_show ... The file then reads as the parameter "text" says.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static char *function = "cmdline_proc_show";
module_param(function, charp, 0444);
static char *text = "shown by a livepatch";
module_param(text, charp, 0444);

static int patched(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", text);
	return 0;
}

static struct klp_func funcs[] = {
	{ .new_func = patched },
	{ }
};

/* An object without a name is the kernel proper. */
static struct klp_object objects[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init kmolt_lp_show_init(void)
{
	funcs[0].old_name = function;
	return klp_enable_patch(&patch);
}
module_init(kmolt_lp_show_init);

/* Needed for the module to be one that can go; what is to be undone, livepatch has undone. */
static void __exit kmolt_lp_show_exit(void)
{
}
module_exit(kmolt_lp_show_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Patches what a file in /proc shows by livepatch");
MODULE_INFO(livepatch, "Y");
