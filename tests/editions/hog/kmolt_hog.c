// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU that computes in the kernel: one thread, bound to the CPU of parameter "cpu",
 * that does not sleep for "ms" milliseconds, "after" milliseconds from now, and that
 * "bursts" times; in between only tasks of a higher priority get in. Parameter "how" says
 * what else it does not let happen meanwhile: "preempt" no other task runs there, "irqs"
 * no interrupt arrives either, "nothing" it may be preempted where the kernel preempts at
 * all. Unloading it ends it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

static unsigned int cpu = 1;
module_param(cpu, uint, 0444);

static unsigned int ms = 1000;
module_param(ms, uint, 0444);

static unsigned int after;
module_param(after, uint, 0444);

static unsigned int bursts = 1;
module_param(bursts, uint, 0444);

static char *how = "preempt";
module_param(how, charp, 0444);

static struct task_struct *thread;
static DECLARE_COMPLETION(begun);

static void compute(void)
{
	u64 end = ktime_get_mono_fast_ns() + ms * (u64)NSEC_PER_MSEC;

	while (ktime_get_mono_fast_ns() < end && !kthread_should_stop())
		cpu_relax();
}

static void burst(void)
{
	unsigned long flags;

	if (!strcmp(how, "irqs")) {
		local_irq_save(flags);
		compute();
		local_irq_restore(flags);
	} else if (!strcmp(how, "preempt")) {
		preempt_disable();
		compute();
		preempt_enable();
	} else {
		compute();
	}
}

static int hog(void *unused)
{
	complete(&begun);
	msleep(after);
	while (bursts-- && !kthread_should_stop()) {
		burst();
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int __init kmolt_hog_init(void)
{
	thread = kthread_create_on_cpu(hog, NULL, cpu, "kmolt_hog");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	wait_for_completion(&begun);
	return 0;
}
module_init(kmolt_hog_init);

static void __exit kmolt_hog_exit(void)
{
	kthread_stop(thread);
}
module_exit(kmolt_hog_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Computes on one CPU and lets nobody in");
