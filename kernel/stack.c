// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is inside what: a walk over the stacks of all tasks.
 *
 * What counts is seen while all CPUs are stopped by threads, so that every task
 * but the stoppers is off its CPU with its registers saved, and no interrupt
 * handler is under way.  The idle tasks stand in schedule_idle(), which is no
 * module's code; the tool refuses editions of it and of its callers.  A glance
 * at those who sleep, without a stop, spares the stop when it would be in vain.
 *
 * A task on its way through ftrace counts as inside, too: it may have been
 * preempted between our choice of where its call goes and going there, and its
 * stack shows the choice only at the very end.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>
#include <asm/unwind.h>

#include "internal.h"

/* The kernel's own ways from a function's ftrace site to who listens there. */
static struct kmolt_range ways[3];
static size_t n_ways;

/* Where the stack of a task begins that has not come from user mode. */
static struct kmolt_range root;

static unsigned long find_symbol(const char *name)
{
	struct kprobe probe = { .symbol_name = name };

	/* Refuses code of its own, but has looked up the address by then. */
	if (!register_kprobe(&probe))
		unregister_kprobe(&probe);
	return (unsigned long)probe.addr;
}

/*
 * Where a symbol begins and ends is the kernel's word: NAME+OFFSET/SIZE.  A probe
 * on a name may stand behind the name, as landing pads of 6.12 are left alone.
 * @text: receives it
 */
static struct kmolt_range symbol_at(unsigned long address, char *text)
{
	unsigned long offset, size;
	const char *plus;

	sprint_symbol(text, address);
	plus = strrchr(text, '+');
	if (!plus || sscanf(plus, "+%lx/%lx", &offset, &size) != 2)
		return (struct kmolt_range){};
	return (struct kmolt_range){
		address - offset, address - offset + size
	};
}

/* With the symbols behind it that are labels within: ftrace_call and others. */
static int add_way(unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];
	struct kmolt_range way = symbol_at(address, text), next = way;

	if (!way.end)
		return -ENOENT;
	while (next.end && strstarts(text, "ftrace_")) {
		way.end = next.end;
		next = symbol_at(way.end, text);
	}
	ways[n_ways++] = way;
	return 0;
}

static int find_root(void)
{
	char text[KSYM_SYMBOL_LEN];
	/* Later kernels have a C function of the latter name. */
	unsigned long address = find_symbol("ret_from_fork_asm");

	if (!address)
		address = find_symbol("ret_from_fork");
	root = symbol_at(address, text);
	return root.end ? 0 : -ENOENT;
}

/**
 * kmolt_scan_init - find the code through which calls pass on their way
 *
 * Return: 0, or -ENOENT on a kernel where it cannot be told.
 */
int kmolt_scan_init(void)
{
	static const char * const names[] = {
		"ftrace_caller", "ftrace_regs_caller",
	};
	size_t i;
	int err = add_way(kmolt_redirect_handler());

	for (i = 0; i < ARRAY_SIZE(names) && !err; i++)
		err = add_way(find_symbol(names[i]));
	return err ? err : find_root();
}

/**
 * kmolt_scan_create - begin a look at all stacks
 * @max_ranges: how many ranges will be added at most
 *
 * Return: the scan, or NULL without memory.
 */
struct kmolt_scan *kmolt_scan_create(size_t max_ranges)
{
	struct kmolt_scan *scan = kmolt_alloc(sizeof(*scan));

	if (!scan)
		return NULL;
	scan->ranges = kmolt_alloc(array_size(max_ranges + n_ways,
					      sizeof(*scan->ranges)));
	if (!scan->ranges) {
		kvfree(scan);
		return NULL;
	}
	return scan;
}

/**
 * kmolt_scan_add_ways - count who is on the way to a function as inside
 * @scan: the scan; created for one range more
 * @trampoline: of the ftrace_ops that redirects calls
 */
void kmolt_scan_add_ways(struct kmolt_scan *scan,
			 const struct kmolt_range *trampoline)
{
	kmolt_scan_add(scan, ways, n_ways);
	if (trampoline->start)
		kmolt_scan_add(scan, trampoline, 1);
}

/**
 * kmolt_scan_add - name more code that must be empty
 * @scan: the scan
 * @ranges: the code
 * @n: how many; in all no more than it was created for
 */
void kmolt_scan_add(struct kmolt_scan *scan, const struct kmolt_range *ranges,
		    size_t n)
{
	memcpy(scan->ranges + scan->n_ranges, ranges, n * sizeof(*ranges));
	scan->n_ranges += n;
}

static int by_start(const void *a, const void *b)
{
	const struct kmolt_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/**
 * kmolt_scan_sort - make the ranges ready for the search
 * @scan: the scan
 */
void kmolt_scan_sort(struct kmolt_scan *scan)
{
	struct kmolt_range *ranges = scan->ranges;
	size_t i, n = 0;

	sort(ranges, scan->n_ranges, sizeof(*ranges), by_start, NULL);
	for (i = 0; i < scan->n_ranges; i++) {
		if (n && ranges[i].start <= ranges[n - 1].end)
			ranges[n - 1].end = max(ranges[n - 1].end, ranges[i].end);
		else
			ranges[n++] = ranges[i];
	}
	scan->n_ranges = n;
}

/*
 * A return address behind a call that never returns is the first byte after
 * its function, so the end counts as inside.
 */
static bool inside(const struct kmolt_scan *scan, unsigned long address)
{
	size_t low = 0, high = scan->n_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < scan->ranges[middle].start)
			high = middle;
		else if (address > scan->ranges[middle].end)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/*
 * Whether a return address of a stack is with rethook, for kretprobes.  It may
 * be asked for that of a task that cannot run only, and warns if it is not so.
 */
static bool has_rethooks(struct task_struct *task)
{
#ifdef CONFIG_RETHOOK
	return !llist_empty(&task->rethooks);
#else
	return false;
#endif
}

static bool is_root(unsigned long address)
{
	return address >= root.start && address < root.end;
}

/*
 * The rules of arch_stack_walk_reliable(), which is not exported, and one more:
 * a stack must end where stacks begin.  In 6.1 the unwinder takes
 * return_to_handler() for the end, and a task may be preempted in what that
 * calls, at the return of a function that is traced by function_graph.
 */
static bool walk(struct kmolt_scan *scan, struct task_struct *task,
		 struct kmolt_blocker *blocker)
{
	struct unwind_state state;
	struct pt_regs *regs;
	unsigned long address = 0;
	bool blocks = false;

	if (task_is_running(task) && has_rethooks(task))
		return true;
	for (unwind_start(&state, task, NULL, NULL);
	     !unwind_done(&state) && !unwind_error(&state);
	     unwind_next_frame(&state)) {
		regs = unwind_get_entry_regs(&state, NULL);
		if (regs && user_mode(regs))
			return blocks;
		address = unwind_get_return_address(&state);
		if (!address)
			return true;
		if (blocker->depth < KMOLT_STACK_DEPTH)
			blocker->stack[blocker->depth++] = address;
		if (!blocks && inside(scan, address)) {
			blocker->where = address;
			blocks = true;
		}
	}
	return blocks || unwind_error(&state) || !is_root(address);
}

static void look_at(struct kmolt_scan *scan, struct task_struct *task,
		    bool stopped)
{
	struct kmolt_blocker overflow, *blocker = &overflow;

	if (scan->n_blockers < KMOLT_BLOCKERS)
		blocker = &scan->blockers[scan->n_blockers];
	blocker->depth = 0;
	blocker->where = 0;
	scan->n_tasks++;
	/* Of a stack that is in use meanwhile only what was found counts. */
	if (!walk(scan, task, blocker) || (!stopped && !blocker->where))
		return;
	blocker->pid = task->pid;
	memcpy(blocker->comm, task->comm, TASK_COMM_LEN);
	scan->n_blockers++;
}

/* Of tasks that will never run again, nothing matters. */
static bool has_stack(struct task_struct *task)
{
	return !READ_ONCE(task->on_cpu) && task_stack_page(task) &&
	       READ_ONCE(task->__state) != TASK_DEAD;
}

/**
 * kmolt_scan_stopped - look at all stacks; all CPUs are stopped
 * @scan: what must be empty; receives who is inside
 * @deadline: of ktime_get_mono_fast_ns(), after which it is given up
 *
 * Return: 0 if nobody is, -EBUSY, or -ETIME.
 */
int kmolt_scan_stopped(struct kmolt_scan *scan, u64 deadline)
{
	struct task_struct *group, *task;

	scan->n_tasks = 0;
	scan->n_blockers = 0;
	if (!scan->n_ranges)
		return 0;
	rcu_read_lock();
	for_each_process_thread(group, task) {
		/* On a CPU are the stoppers themselves. */
		if (has_stack(task))
			look_at(scan, task, true);
		if (ktime_get_mono_fast_ns() > deadline) {
			rcu_read_unlock();
			return -ETIME;
		}
	}
	rcu_read_unlock();
	return scan->n_blockers ? -EBUSY : 0;
}

/**
 * kmolt_scan_glance - look at the stacks of those who sleep; nothing is stopped
 * @scan: what must be empty; receives who is inside
 *
 * Says nothing about those who run.  Return: 0 if nobody is seen, or -EBUSY.
 */
int kmolt_scan_glance(struct kmolt_scan *scan)
{
	struct task_struct *group, *task;

	scan->n_tasks = 0;
	scan->n_blockers = 0;
	if (!scan->n_ranges)
		return 0;
	rcu_read_lock();
	for_each_process_thread(group, task)
		/* Who wakes up meanwhile must not be one to ask rethook for. */
		if (READ_ONCE(task->__state) && has_stack(task) &&
		    !has_rethooks(task))
			look_at(scan, task, false);
	rcu_read_unlock();
	return scan->n_blockers ? -EBUSY : 0;
}

void kmolt_scan_free(struct kmolt_scan *scan)
{
	if (!scan)
		return;
	kvfree(scan->ranges);
	kvfree(scan);
}
