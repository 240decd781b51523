// SPDX-License-Identifier: GPL-2.0-only
/*
 * All CPUs stand still while one function runs, or nothing happens at all.
 *
 * stop_machine() cannot be given up: once one CPU computes in the kernel, all
 * others wait for it, with interrupts off, for as long as it likes.  Here one
 * thread for each CPU, of a priority above that of all ordinary tasks, comes
 * in three steps, each of which can be given up:
 *
 *   muster   each thread runs once and goes back to sleep.  A CPU that computes
 *            in the kernel shows here, and nobody stands still for it.
 *   gather   the threads occupy their CPUs, with preemption disabled.  From now
 *            on time counts as pause, and each of them may end it when the
 *            limit has passed.
 *   quiet    interrupts go off everywhere.  When the last CPU has said so, the
 *            leader runs the function; until then it may still give up.
 *
 * A thread, unlike an interprocessor interrupt, cannot come amid a section
 * with preemption disabled: nobody holds a spinlock and no interrupt handler
 * is under way while the function runs.
 *
 * After giving up, threads may still be on their way: the state is counted,
 * they hold the module, and no new stop begins before all are out.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <asm/sync_core.h>

#include "internal.h"

#define MUSTER_MS	100
#define STRAGGLERS_MS	20

enum phase { MUSTER, GATHER, QUIET, DONE, GIVEN_UP };

/**
 * struct participant - what the thread of one CPU is given
 * @stop: the attempt
 * @cpu: which CPU
 */
struct participant {
	struct stop *stop;
	unsigned int cpu;
};

/**
 * struct stop - one attempt; lives until the last thread is out
 * @refs: the threads, and who waits for the result
 * @phase: see enum phase; who moves it away from GATHER decides the outcome
 * @n: how many CPUs
 * @leader: the one that runs @fn
 * @answered: how many threads have mustered
 * @arrived: how many occupy their CPUs
 * @quiet: how many others have their interrupts off
 * @missing: CPUs that are not there yet in the current step
 * @go: threads that have mustered sleep here
 * @mustered: all have
 * @decided: @err and @pause_ns are there
 * @fn: what is to be run
 * @data: for @fn
 * @max_pause_ns: how long the others may stand still before @fn has changed
 *	anything
 * @pause_ns: how long they did
 * @err: what @fn returned, or -ETIME
 * @participants: one for each CPU
 */
struct stop {
	refcount_t refs;
	atomic_t phase;
	unsigned int n;
	unsigned int leader;
	atomic_t answered;
	atomic_t arrived;
	atomic_t quiet;
	struct cpumask missing;
	wait_queue_head_t go;
	struct completion mustered;
	struct completion decided;
	int (*fn)(void *data, u64 deadline);
	void *data;
	u64 max_pause_ns;
	u64 pause_ns;
	int err;
	struct participant participants[];
};

/* CPUs whose thread of this or an earlier attempt is not out yet. */
static struct cpumask inside;

static void put_stop(struct stop *stop)
{
	if (refcount_dec_and_test(&stop->refs))
		kvfree(stop);
}

static void decide(struct stop *stop, int err, u64 since)
{
	stop->err = err;
	stop->pause_ns = ktime_get_mono_fast_ns() - since;
	complete(&stop->decided);
}

static bool give_up(struct stop *stop, u64 since)
{
	if (atomic_cmpxchg(&stop->phase, GATHER, GIVEN_UP) != GATHER)
		return false;
	decide(stop, -ETIME, since);
	return true;
}

/* The leader waits for the others with interrupts off; nobody else gives up. */
static bool all_quiet(const struct stop *stop, u64 deadline)
{
	while (atomic_read(&stop->quiet) < stop->n - 1) {
		if (ktime_get_mono_fast_ns() > deadline)
			return false;
		cpu_relax();
	}
	return true;
}

static void lead(struct stop *stop)
{
	u64 start = ktime_get_mono_fast_ns();
	u64 deadline = start + stop->max_pause_ns;
	int err = -ETIME;

	while (atomic_read(&stop->arrived) < stop->n) {
		if (ktime_get_mono_fast_ns() > deadline)
			give_up(stop, start);
		if (atomic_read(&stop->phase) != GATHER)
			return;
		cpu_relax();
	}
	local_irq_disable();
	if (atomic_cmpxchg(&stop->phase, GATHER, QUIET) != GATHER) {
		local_irq_enable();
		return;
	}
	if (all_quiet(stop, deadline))
		err = stop->fn(stop->data, deadline);
	/* Pairs with the acquire in follow(): they see all that @fn wrote. */
	atomic_set_release(&stop->phase, DONE);
	sync_core();
	local_irq_enable();
	decide(stop, err, start);
}

static void follow(struct stop *stop)
{
	u64 start = ktime_get_mono_fast_ns();

	while (atomic_read(&stop->phase) == GATHER) {
		if (ktime_get_mono_fast_ns() > start + stop->max_pause_ns)
			give_up(stop, start);
		cpu_relax();
	}
	if (atomic_read(&stop->phase) == GIVEN_UP)
		return;
	local_irq_disable();
	atomic_inc(&stop->quiet);
	/* Pairs with the release in lead(). */
	while (atomic_read_acquire(&stop->phase) == QUIET)
		cpu_relax();
	/* Code may have changed; what was fetched before is stale. */
	sync_core();
	local_irq_enable();
}

static int stopper(void *data)
{
	/* A thread that is late may run elsewhere, if its CPU went offline. */
	unsigned int cpu = ((struct participant *)data)->cpu;
	struct stop *stop = ((struct participant *)data)->stop;

	cpumask_clear_cpu(cpu, &stop->missing);
	if (atomic_inc_return(&stop->answered) == stop->n)
		complete(&stop->mustered);
	wait_event_idle(stop->go, atomic_read(&stop->phase) != MUSTER);

	preempt_disable();
	cpumask_clear_cpu(cpu, &stop->missing);
	atomic_inc(&stop->arrived);
	if (cpu == stop->leader)
		lead(stop);
	else
		follow(stop);
	preempt_enable();

	put_stop(stop);
	cpumask_clear_cpu(cpu, &inside);
	module_put_and_kthread_exit(0);
}

static struct stop *create(int (*fn)(void *data, u64 deadline), void *data,
			   u64 max_pause_ns)
{
	unsigned int n = num_online_cpus();
	struct stop *stop = kmolt_alloc(struct_size(stop, participants, n));

	if (!stop)
		return NULL;
	refcount_set(&stop->refs, 1);
	stop->n = n;
	stop->leader = cpumask_first(cpu_online_mask);
	cpumask_copy(&stop->missing, cpu_online_mask);
	init_waitqueue_head(&stop->go);
	init_completion(&stop->mustered);
	init_completion(&stop->decided);
	stop->fn = fn;
	stop->data = data;
	stop->max_pause_ns = max_pause_ns;
	return stop;
}

/* None of them has run yet. */
static void dismiss(struct task_struct **threads, unsigned int n)
{
	while (n--)
		kthread_stop(threads[n]);
}

/* Returns with all threads running, or with none. */
static int start_threads(struct stop *stop)
{
	struct task_struct **threads, *thread;
	unsigned int cpu, n = 0;

	threads = kmolt_alloc(array_size(stop->n, sizeof(*threads)));
	if (!threads)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		struct participant *participant = &stop->participants[n];

		participant->stop = stop;
		participant->cpu = cpu;
		thread = kmolt_fails() ? ERR_PTR(-ENOMEM) :
			 kthread_create_on_cpu(stopper, participant, cpu,
					       "kmolt_stop/%u");
		if (IS_ERR(thread)) {
			dismiss(threads, n);
			kvfree(threads);
			return PTR_ERR(thread);
		}
		sched_set_fifo(thread);
		threads[n++] = thread;
	}
	n = 0;
	for_each_online_cpu(cpu) {
		refcount_inc(&stop->refs);
		__module_get(THIS_MODULE);
		cpumask_set_cpu(cpu, &inside);
		wake_up_process(threads[n++]);
	}
	kvfree(threads);
	return 0;
}

/* Pairs with the cmpxchg in lead(): the leader gathers only what is whole. */
static void gather(struct stop *stop)
{
	cpumask_copy(&stop->missing, cpu_online_mask);
	/* Else the thread of this CPU would run before the others are woken. */
	preempt_disable();
	atomic_set_release(&stop->phase, GATHER);
	wake_up_all(&stop->go);
	preempt_enable();
}

static void await(struct stop *stop)
{
	unsigned long limit = nsecs_to_jiffies(stop->max_pause_ns) + HZ;

	/* Whoever has arrived ends it in time; this is for when nobody has. */
	if (!wait_for_completion_timeout(&stop->decided, limit) &&
	    !give_up(stop, ktime_get_mono_fast_ns()))
		wait_for_completion(&stop->decided);
}

/* Whoever keeps a CPU from us; only a hint, as it may be gone already. */
static void name_late(struct kmolt_late *late, unsigned int cpu)
{
	struct task_struct *group, *task;

	late->cpu = cpu;
	rcu_read_lock();
	for_each_process_thread(group, task)
		if (READ_ONCE(task->on_cpu) && task_cpu(task) == cpu) {
			late->pid = task->pid;
			memcpy(late->comm, task->comm, TASK_COMM_LEN);
		}
	rcu_read_unlock();
}

/* Two stops would each hold a CPU that the other one waits for. */
static DEFINE_MUTEX(stop_mutex);

static bool stragglers(struct kmolt_late *late)
{
	int i;

	for (i = 0; i < STRAGGLERS_MS && !cpumask_empty(&inside); i++)
		usleep_range(1000, 1100);
	if (cpumask_empty(&inside))
		return false;
	name_late(late, cpumask_first(&inside));
	return true;
}

static int attempt(struct stop *stop, struct kmolt_late *late)
{
	int err = start_threads(stop);

	if (err)
		return err;
	if (wait_for_completion_timeout(&stop->mustered,
					msecs_to_jiffies(MUSTER_MS))) {
		gather(stop);
		await(stop);
		err = stop->err;
	} else {
		atomic_set(&stop->phase, GIVEN_UP);
		wake_up_all(&stop->go);
		err = -ETIME;
	}
	if (err == -ETIME && !cpumask_empty(&stop->missing))
		name_late(late, cpumask_first(&stop->missing));
	return err;
}

/**
 * kmolt_stop - run a function while all CPUs stand still, or give up
 * @fn: runs with interrupts off on all CPUs; returns -ETIME if @deadline, of
 *	ktime_get_mono_fast_ns(), has passed and it has changed nothing
 * @data: for @fn
 * @max_pause_ns: how long the CPUs may stand still until @fn begins to change
 *	something
 * @pause_ns: receives how long they did, 0 if it did not come to it
 * @late: receives the CPU that did not come, if that is why it was given up
 *
 * May sleep.  Return: what @fn returns; -ETIME if it was given up, -ENOMEM, or
 * -EINTR if the task is about to be killed.
 */
int kmolt_stop(int (*fn)(void *data, u64 deadline), void *data,
	       u64 max_pause_ns, u64 *pause_ns, struct kmolt_late *late)
{
	struct stop *stop;
	int err = -ETIME;

	*pause_ns = 0;
	/* Bases that go look at stacks without kmolt_mutex. */
	mutex_lock(&stop_mutex);
	cpus_read_lock();
	if (stragglers(late))
		goto out;
	stop = create(fn, data, max_pause_ns);
	err = stop ? attempt(stop, late) : -ENOMEM;
	if (stop) {
		*pause_ns = stop->pause_ns;
		put_stop(stop);
	}
out:
	cpus_read_unlock();
	mutex_unlock(&stop_mutex);
	return err;
}
