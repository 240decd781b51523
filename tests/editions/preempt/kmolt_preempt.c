// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task that is preempted amid some code: on the CPU of parameter "cpu", a timer looks all
 * the time where the interrupted task stands. As soon as one named "comm" is found at an
 * address from "start" up to "end", a thread of a higher priority takes the CPU and does not
 * give it back before the module is unloaded, or "ms" milliseconds have passed. "pid" shows
 * the task, 0 as long as there is none, and "at" where it stands.
 *
 * The kernel must be fully preemptible; real-time throttling must be off, as it would let
 * the task go on after 0.95 seconds.
 */
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/irq_regs.h>

/* Not a divisor of a tick, so that the timer does not always meet the same code. */
#define PERIOD_NS	47111

static unsigned int cpu = 1;
module_param(cpu, uint, 0444);

static unsigned int ms = 10000;
module_param(ms, uint, 0444);

static char *comm = "";
module_param(comm, charp, 0444);

static unsigned long start;
module_param(start, ulong, 0444);

static unsigned long end;
module_param(end, ulong, 0444);

static int pid;
module_param(pid, int, 0444);

static unsigned long at;
module_param(at, ulong, 0444);

static struct hrtimer timer;
static struct task_struct *thread;
static DECLARE_COMPLETION(caught);

static enum hrtimer_restart look(struct hrtimer *unused)
{
	struct pt_regs *regs = get_irq_regs();

	/* Where nothing but this interrupt keeps it from being preempted. */
	if (regs && !user_mode(regs) && regs->ip >= start && regs->ip < end &&
	    preempt_count() == HARDIRQ_OFFSET && !strcmp(current->comm, comm)) {
		WRITE_ONCE(at, regs->ip);
		WRITE_ONCE(pid, current->pid);
		complete(&caught);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(&timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

/* On a CPU of its own, where a timer that is pinned stays. */
static int keep_out(void *unused)
{
	u64 until;

	hrtimer_start(&timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED_HARD);
	while (!kthread_should_stop() &&
	       wait_for_completion_interruptible_timeout(&caught, HZ / 10) <= 0)
		;
	until = ktime_get_mono_fast_ns() + ms * (u64)NSEC_PER_MSEC;
	while (ktime_get_mono_fast_ns() < until && !kthread_should_stop())
		cpu_relax();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	hrtimer_cancel(&timer);
	return 0;
}

static int __init kmolt_preempt_init(void)
{
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = look;
	thread = kthread_create_on_cpu(keep_out, NULL, cpu, "kmolt_preempt");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sched_set_fifo(thread);
	wake_up_process(thread);
	return 0;
}
module_init(kmolt_preempt_init);

static void __exit kmolt_preempt_exit(void)
{
	kthread_stop(thread);
}
module_exit(kmolt_preempt_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Preempts a task amid some code, and keeps it there");
