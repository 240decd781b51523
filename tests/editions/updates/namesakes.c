// SPDX-License-Identifier: GPL-2.0-only
/* Editions of the two functions of one name that kmolt_twins has, and of one of the kernel proper. */
#include <kmolt.h>
#include <linux/seq_file.h>

MODULE_DESCRIPTION("Other twins");
MODULE_LICENSE("GPL");

KMOLT_EDITION(kmolt_twin, 1, kmolt_twins, 1)
static int first(int x)
{
	return kmolt_original(first, x) + 1000;
}

KMOLT_EDITION(kmolt_twin, 1, kmolt_twins, 2)
static int second(int x)
{
	return kmolt_original(second, x) + 2000;
}

KMOLT_EDITION(cmdline_proc_show)
static int no_cmdline(struct seq_file *m, void *v)
{
	seq_puts(m, "no command line\n");
	return 0;
}
