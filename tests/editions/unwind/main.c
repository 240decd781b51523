// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own unwinder makes of stacks that code of ours is on. /proc/kmolt_unwind
 * takes, one at a time:
 *
 *	PID			show this task's stack when read
 *	probe HEX [HEX...]	unwind whenever the instruction at this address is reached
 *	range HEX LENGTH	the same for each instruction of a piece of code
 *	astray			run through code whose unwinding data is wrong
 *	off			remove all probes and forget the task
 *
 * and shows what came of it when read; see stack.c, probes.c and astray.S.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "unwind.h"

#define LONGEST (8 * PAGE_SIZE)

static DEFINE_MUTEX(lock);
static pid_t watched;		/* 0: none */
static unsigned long (*lookup)(const char *name);

/* kallsyms_lookup_name() itself is not exported, but can be probed. */
static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int err = register_kprobe(&probe);

	if (err)
		return err;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

unsigned long unexported(const char *name)
{
	return lookup(name);
}

static int probe_list(char *list)
{
	unsigned long address;
	char *word;
	int err = 0;

	while (!err && (word = strsep(&list, " \t\n"))) {
		if (!*word)
			continue;
		err = kstrtoul(word, 16, &address);
		if (!err)
			err = probe_at(address);
	}
	return err;
}

static int obey(char *command)
{
	unsigned long address, length;
	pid_t nr;

	if (!strcmp(command, "off")) {
		remove_probes();
		watched = 0;
		return 0;
	}
	if (!strcmp(command, "astray")) {
		kmolt_unwind_astray();
		return 0;
	}
	if (!strncmp(command, "probe ", 6))
		return probe_list(command + 6);
	if (sscanf(command, "range %lx %li", &address, &length) == 2)
		return probe_range(address, length);
	if (!kstrtoint(command, 10, &nr) && nr > 0) {
		watched = nr;
		return 0;
	}
	return -EINVAL;
}

static ssize_t take(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char *text;
	int err;

	if (size > LONGEST)
		return -E2BIG;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&lock);
	err = obey(strim(text));
	mutex_unlock(&lock);
	kfree(text);
	return err ? err : size;
}

static int show(struct seq_file *m, void *v)
{
	mutex_lock(&lock);
	if (watched)
		show_stack_of(m, watched);
	show_probes(m);
	mutex_unlock(&lock);
	return 0;
}

static int open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static const struct proc_ops ops = {
	.proc_open = open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_write = take,
	.proc_release = single_release,
};

static int __init kmolt_unwind_init(void)
{
	int err = find_lookup();

	if (!err)
		err = stack_init();
	if (!err)
		err = probes_init();
	if (!err && !proc_create("kmolt_unwind", 0600, NULL, &ops))
		err = -ENOMEM;
	return err;
}
module_init(kmolt_unwind_init);

static void __exit kmolt_unwind_exit(void)
{
	remove_proc_entry("kmolt_unwind", NULL);
	remove_probes();
}
module_exit(kmolt_unwind_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shows what the kernel's unwinder makes of a stack");
