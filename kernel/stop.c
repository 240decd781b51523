// SPDX-License-Identifier: GPL-2.0-only
/*
 * All CPUs stand still while one function runs, or nothing happens at all.
 *
 * stop_machine() cannot be given up: once one CPU computes in the kernel, all
 * others wait for it, with interrupts off, for as long as it likes.  Here each
 * CPU has a thread, of a priority above that of all ordinary tasks; it is there
 * from the core's load on, as the kernel's thread creator may itself be kept
 * waiting by the CPU that computes.  They come in three steps, each of which
 * can be given up:
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
 * After giving up, threads may still be on their way: they hold the module, and
 * no new stop begins before all are out.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <asm/sync_core.h>

#include "internal.h"

#define MUSTER_MS	100
#define STRAGGLERS_MS	20

enum phase { MUSTER, GATHER, QUIET, DONE, GIVEN_UP };

/**
 * struct stop - one attempt; the threads of the one before are out
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
 */
struct stop {
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
};

/* Two stops would each hold a CPU that the other one waits for. */
static DEFINE_MUTEX(stop_mutex);
static struct stop the_stop;

/* CPUs whose thread has been called, in this or an earlier attempt, and is not out yet. */
static struct cpumask inside;

static DEFINE_PER_CPU(struct task_struct *, stopper);

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

/* A thread that is late may run elsewhere, if its CPU has gone. */
static void take_part(struct stop *stop, unsigned int cpu)
{
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

	/* From here on the next attempt may begin. */
	smp_mb__before_atomic();
	cpumask_clear_cpu(cpu, &inside);
	module_put(THIS_MODULE);
}

static int stopper_main(void *data)
{
	unsigned int cpu = (unsigned long)data;

	while (!kthread_should_stop()) {
		if (cpumask_test_cpu(cpu, &inside))
			take_part(&the_stop, cpu);
		set_current_state(TASK_IDLE);
		if (!cpumask_test_cpu(cpu, &inside) && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static void begin(struct stop *stop, int (*fn)(void *data, u64 deadline),
		  void *data, u64 max_pause_ns)
{
	memset(stop, 0, sizeof(*stop));
	stop->n = num_online_cpus();
	stop->leader = cpumask_first(cpu_online_mask);
	cpumask_copy(&stop->missing, cpu_online_mask);
	init_waitqueue_head(&stop->go);
	init_completion(&stop->mustered);
	init_completion(&stop->decided);
	stop->fn = fn;
	stop->data = data;
	stop->max_pause_ns = max_pause_ns;
}

static void muster(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		/* It has lost its place if it was late when its CPU went. */
		set_cpus_allowed_ptr(per_cpu(stopper, cpu), cpumask_of(cpu));
		__module_get(THIS_MODULE);
		cpumask_set_cpu(cpu, &inside);
		wake_up_process(per_cpu(stopper, cpu));
	}
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
static void name_late(struct kmolt_late *late, const struct cpumask *cpus)
{
	unsigned int cpu = cpumask_first(cpus);
	struct task_struct *group, *task;

	if (cpu >= nr_cpu_ids)
		return;
	late->cpu = cpu;
	rcu_read_lock();
	for_each_process_thread(group, task)
		if (READ_ONCE(task->on_cpu) && task_cpu(task) == cpu) {
			late->pid = task->pid;
			memcpy(late->comm, task->comm, TASK_COMM_LEN);
		}
	rcu_read_unlock();
}

static bool stragglers(struct kmolt_late *late)
{
	int i;

	for (i = 0; i < STRAGGLERS_MS && !cpumask_empty(&inside); i++)
		usleep_range(1000, 1100);
	if (cpumask_empty(&inside))
		return false;
	name_late(late, &inside);
	return true;
}

static int attempt(struct stop *stop, struct kmolt_late *late)
{
	muster();
	if (wait_for_completion_timeout(&stop->mustered,
					msecs_to_jiffies(MUSTER_MS))) {
		gather(stop);
		await(stop);
	} else {
		stop->err = -ETIME;
		atomic_set(&stop->phase, GIVEN_UP);
		wake_up_all(&stop->go);
	}
	if (stop->err == -ETIME)
		name_late(late, &stop->missing);
	return stop->err;
}

/*
 * No CPU comes or goes until cpus_read_unlock().  One that is going waits for
 * its own threads, while it computes, and who waits for it keeps readers out.
 */
static bool hold_cpus(struct kmolt_late *late)
{
	int i;

	for (i = 0; i < MUSTER_MS; i++) {
		if (cpus_read_trylock())
			return true;
		usleep_range(1000, 1100);
	}
	late->hotplug = true;
	return false;
}

/**
 * kmolt_stop - run a function while all CPUs stand still, or give up
 * @fn: runs with interrupts off on all CPUs; returns -ETIME if @deadline, of
 *	ktime_get_mono_fast_ns(), has passed and it has changed nothing
 * @data: for @fn
 * @max_pause_ns: how long the CPUs may stand still until @fn begins to change
 *	something
 * @pause_ns: receives how long they did, 0 if it did not come to it
 * @late: receives the CPU that did not come, or that CPUs come and go, if that
 *	is why it was given up
 *
 * May sleep; needs no memory.  Return: what @fn returns, or -ETIME if it was
 * given up.
 */
int kmolt_stop(int (*fn)(void *data, u64 deadline), void *data,
	       u64 max_pause_ns, u64 *pause_ns, struct kmolt_late *late)
{
	int err = -ETIME;

	*pause_ns = 0;
	/* Bases that go look at stacks without kmolt_mutex. */
	mutex_lock(&stop_mutex);
	if (!hold_cpus(late))
		goto out;
	if (!stragglers(late)) {
		begin(&the_stop, fn, data, max_pause_ns);
		err = attempt(&the_stop, late);
		*pause_ns = the_stop.pause_ns;
	}
	cpus_read_unlock();
out:
	mutex_unlock(&stop_mutex);
	return err;
}

/* At load, and when a CPU comes for the first time. */
static int create_stopper(unsigned int cpu)
{
	struct task_struct *thread = per_cpu(stopper, cpu);

	if (thread)
		return 0;
	thread = kmolt_fails() ? ERR_PTR(-ENOMEM) :
		 kthread_create_on_cpu(stopper_main, (void *)(unsigned long)cpu,
				       cpu, "kmolt_stop/%u");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sched_set_fifo(thread);
	per_cpu(stopper, cpu) = thread;
	wake_up_process(thread);
	return 0;
}

static void end_stoppers(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu(stopper, cpu))
			kthread_stop(per_cpu(stopper, cpu));
}

static int hotplug_state;

/**
 * kmolt_stop_init - create the threads, which sleep
 *
 * The threads of CPUs that go stay; they may come again.
 *
 * Return: 0, -ENOMEM, or -EINTR if the task is about to be killed.
 */
int kmolt_stop_init(void)
{
	unsigned int cpu;
	int err = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		err = create_stopper(cpu);
		if (err)
			break;
	}
	/* No call for the CPUs that are there: it would wait for one that computes. */
	if (!err)
		err = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN,
							   "kmolt:stop",
							   create_stopper, NULL);
	cpus_read_unlock();
	if (err < 0) {
		end_stoppers();
		return err;
	}
	hotplug_state = err;
	return 0;
}

/**
 * kmolt_stop_exit - end the threads
 */
void kmolt_stop_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
	end_stoppers();
}
