// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is inside what: a walk over the stacks of all tasks.
 *
 * Runs while all CPUs are stopped by threads, so every task but the stoppers
 * is off its CPU with its registers saved, and no interrupt handler is under
 * way.  The idle tasks stand in schedule_idle(), which is no module's code; the
 * tool refuses editions of it and of its callers.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <asm/unwind.h>

#include "internal.h"

struct kmolt_scan *kmolt_scan_create(size_t max_ranges)
{
	struct kmolt_scan *scan = kzalloc(sizeof(*scan), GFP_KERNEL);

	if (!scan)
		return NULL;
	scan->ranges = kvmalloc_array(max_ranges + 1, sizeof(*scan->ranges),
				      GFP_KERNEL);
	if (!scan->ranges) {
		kfree(scan);
		return NULL;
	}
	return scan;
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

/* The rules of arch_stack_walk_reliable(), which is not exported. */
static bool walk(struct kmolt_scan *scan, struct task_struct *task,
		 struct kmolt_blocker *blocker)
{
	struct unwind_state state;
	struct pt_regs *regs;
	unsigned long address;
	bool blocks = false;

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
	return blocks || unwind_error(&state);
}

/**
 * kmolt_scan_stopped - look at all stacks; all CPUs are stopped
 * @scan: what must be empty; receives who is inside
 */
void kmolt_scan_stopped(struct kmolt_scan *scan)
{
	struct task_struct *group, *task;
	struct kmolt_blocker overflow;

	if (!scan->n_ranges)
		return;
	rcu_read_lock();
	for_each_process_thread(group, task) {
		struct kmolt_blocker *blocker = &overflow;

		/* The stoppers themselves, and tasks that will never run again. */
		if (task->on_cpu || !task_stack_page(task) ||
		    READ_ONCE(task->__state) == TASK_DEAD)
			continue;
		if (scan->n_blockers < KMOLT_BLOCKERS)
			blocker = &scan->blockers[scan->n_blockers];
		blocker->depth = 0;
		blocker->where = 0;
		scan->n_tasks++;
		if (!walk(scan, task, blocker))
			continue;
		blocker->pid = task->pid;
		memcpy(blocker->comm, task->comm, TASK_COMM_LEN);
		scan->n_blockers++;
	}
	rcu_read_unlock();
}

void kmolt_scan_free(struct kmolt_scan *scan)
{
	if (!scan)
		return;
	kvfree(scan->ranges);
	kfree(scan);
}
