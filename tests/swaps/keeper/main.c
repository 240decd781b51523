// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a copy of a function's address that it took from the table of
 * /dev/dial, as parts of the kernel do, and calls it whenever asked to.  And
 * tells what 1,000 calls through the table itself take, in ticks of the time
 * stamp counter.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <asm/msr.h>

static struct file *dial;
static long (*copy)(struct file *file, unsigned int command, unsigned long arg);

static int take(const char *val, const struct kernel_param *kp)
{
	if (dial)
		copy = dial->f_op->unlocked_ioctl;
	return 0;
}

static int ask(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lx\n", copy(dial, 0, 0));
}

static const struct kernel_param_ops ops = { .set = take, .get = ask };
module_param_cb(setting, &ops, NULL, 0600);

static int measure(char *buffer, const struct kernel_param *kp)
{
	unsigned long flags;
	u64 begin, ticks;
	int i;

	local_irq_save(flags);
	begin = rdtsc_ordered();
	for (i = 0; i < 1000; i++)
		dial->f_op->unlocked_ioctl(dial, 0, 0);
	ticks = rdtsc_ordered() - begin;
	local_irq_restore(flags);
	return sysfs_emit(buffer, "%llu\n", ticks);
}

static const struct kernel_param_ops ticks_ops = { .get = measure };
module_param_cb(ticks, &ticks_ops, NULL, 0400);

static int __init keeper_init(void)
{
	dial = filp_open("/dev/dial", O_RDWR, 0);
	if (IS_ERR(dial))
		return PTR_ERR(dial);
	return take(NULL, NULL);
}
module_init(keeper_init);

static void __exit keeper_exit(void)
{
	filp_close(dial, NULL);
}
module_exit(keeper_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("keeps the address of a function of dial");
