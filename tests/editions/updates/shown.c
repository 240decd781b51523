// SPDX-License-Identifier: GPL-2.0-only
/*
 * Editions of what /proc/cmdline shows: the first has a text of its own, the second calls
 * the original, writes a line below it, and counts itself in the parameter "passed".
 * That of /proc/version has a text of its own.
 */
#include <kmolt.h>
#include <linux/atomic.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>

MODULE_LICENSE("GPL");

static atomic_t passed = ATOMIC_INIT(0);

static int show_passed(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&passed));
}

static const struct kernel_param_ops passed_ops = { .get = show_passed };

module_param_cb(passed, &passed_ops, NULL, 0444);

KMOLT_EDITION(cmdline_proc_show)
static int own_cmdline(struct seq_file *m, void *v)
{
	seq_puts(m, "shown by an edition\n");
	return 0;
}

KMOLT_EDITION(cmdline_proc_show, 2)
static int cmdline_with_note(struct seq_file *m, void *v)
{
	int err;

	atomic_inc(&passed);
	err = kmolt_original(cmdline_with_note, m, v);
	seq_puts(m, "passed on by an edition\n");
	return err;
}

KMOLT_EDITION(version_proc_show)
static int own_version(struct seq_file *m, void *v)
{
	seq_puts(m, "shown by an edition\n");
	return 0;
}
