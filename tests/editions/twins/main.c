// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that are hard to change: two static ones of the same name, kmolt_twin, of which
 * a name alone cannot tell which is meant, and one that has no ftrace site,
 * kmolt_untraced. Each is called by a read of its file:
 *
 *	/proc/kmolt_twins/one		one 101
 *	/proc/kmolt_twins/two		two 102
 *	/proc/kmolt_twins/untraced	untraced 103
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "twins.h"

static __as_written notrace int kmolt_untraced(int x)
{
	return x + 3;
}

static int show_untraced(struct seq_file *m, void *v)
{
	seq_printf(m, "untraced %d\n", kmolt_untraced(100));
	return 0;
}

static int __init kmolt_twins_init(void)
{
	struct proc_dir_entry *folder = proc_mkdir("kmolt_twins", NULL);

	if (!folder)
		return -ENOMEM;
	if (proc_create_single("one", 0444, folder, show_one) &&
	    proc_create_single("two", 0444, folder, show_two) &&
	    proc_create_single("untraced", 0444, folder, show_untraced))
		return 0;
	proc_remove(folder);
	return -ENOMEM;
}
module_init(kmolt_twins_init);

static void __exit kmolt_twins_exit(void)
{
	remove_proc_subtree("kmolt_twins", NULL);
}
module_exit(kmolt_twins_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Two static functions of one name, and one that cannot be traced");
