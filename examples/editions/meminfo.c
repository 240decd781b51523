// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc/meminfo says, as a tenant of the machine should see it: an eighth
 * of the memory, and who says so.  Routed by the user who asks:
 *
 *	kmolt edition build meminfo.c
 *	kmolt edition load meminfo.ko
 *	kmolt route meminfo_proc_show 'uid == 1000 ? 1 : 0'
 */
#include <kmolt.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

MODULE_LICENSE("GPL");

#define SHARE	8

/* How often a tenant has looked; an edition keeps its state in variables. */
static atomic_long_t looks;

KMOLT_EDITION(meminfo_proc_show)
static int meminfo_of_tenant(struct seq_file *m, void *v)
{
	struct sysinfo info;

	si_meminfo(&info);
	seq_printf(m, "MemTotal:       %8lu kB\n",
		   info.totalram / SHARE << (PAGE_SHIFT - 10));
	seq_printf(m, "MemFree:        %8lu kB\n",
		   info.freeram / SHARE << (PAGE_SHIFT - 10));
	seq_printf(m, "Looks:          %8ld\n", atomic_long_inc_return(&looks));
	return 0;
}

/* The same answer as ever, with a word more: editions may call the original. */
KMOLT_EDITION(meminfo_proc_show, 2)
static int meminfo_with_note(struct seq_file *m, void *v)
{
	int err = kmolt_original(meminfo_with_note, m, v);

	seq_puts(m, "Kmolt:          edition 2\n");
	return err;
}
