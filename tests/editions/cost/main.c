// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call of kmolt_cost_target(a, b) costs, whatever answers it. Each read of
 * /proc/kmolt_cost calls it 1,000 times, as the task that reads, with interrupts off, and
 * prints one line:
 *
 *	calls=1000 ticks=T empty=E cost=C sum=S
 *
 * T are the time stamp counter's ticks around the calls, E those around a loop of the same
 * shape that calls nothing, and C = T - E. In a guest with "-icount shift=0,sleep=off
 * -smp 1" the counter advances by one per instruction, so that C / 1000 instructions is
 * the exact cost of a call. S is the sum of what the calls returned: 1000 * (a + b) from the
 * original. The arguments are the parameters a and b.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <asm/msr.h>

#include "cost.h"

#define CALLS 1000

static int a = 1;
module_param(a, int, 0644);
static long b = 2;
module_param(b, long, 0644);

static noinline u64 with_calls(int first, long second, long *sum)
{
	u64 begin = rdtsc_ordered();
	int i;

	for (i = 0; i < CALLS; i++)
		*sum += kmolt_cost_target(first, second);
	return rdtsc_ordered() - begin;
}

/* The asm is the call that is not there: it may change the same memory. */
static noinline u64 without_calls(int first, long second, long *sum)
{
	u64 begin = rdtsc_ordered();
	int i, value;

	for (i = 0; i < CALLS; i++) {
		asm volatile("" : "=a" (value) : "D" (first), "S" (second) : "memory");
		*sum += value;
	}
	return rdtsc_ordered() - begin;
}

static int show(struct seq_file *m, void *v)
{
	int first = READ_ONCE(a);
	long second = READ_ONCE(b);
	long sum = 0, ignored = 0;
	unsigned long flags;
	u64 ticks, empty;

	local_irq_save(flags);
	with_calls(first, second, &ignored);	/* warm up */
	without_calls(first, second, &ignored);
	empty = without_calls(first, second, &ignored);
	ticks = with_calls(first, second, &sum);
	local_irq_restore(flags);
	seq_printf(m, "calls=%d ticks=%llu empty=%llu cost=%lld sum=%ld\n", CALLS, ticks, empty,
		   (s64)(ticks - empty), sum);
	return 0;
}

static int __init kmolt_cost_init(void)
{
	return proc_create_single("kmolt_cost", 0444, NULL, show) ? 0 : -ENOMEM;
}
module_init(kmolt_cost_init);

static void __exit kmolt_cost_exit(void)
{
	remove_proc_entry("kmolt_cost", NULL);
}
module_exit(kmolt_cost_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Counts what a call of a function costs");
