// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack of a task, as stack_trace_save_tsk_reliable() sees it, which livepatch asks
 * whether it may go on:
 *
 *	pid=PID comm=COMM ret=N		N frames, or a negative error: not reliable
 *	  ADDRESS SYMBOL+OFFSET/SIZE [MODULE]
 *
 * The task should sleep: of one that runs elsewhere nothing reliable can be said.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>

#include "unwind.h"

#define DEEPEST 100

static int (*save_reliable)(struct task_struct *task, unsigned long *store, unsigned int size);

int stack_init(void)
{
	save_reliable = (void *)unexported("stack_trace_save_tsk_reliable");
	return save_reliable ? 0 : -ENOENT;
}

void show_stack_of(struct seq_file *m, pid_t nr)
{
	static unsigned long frames[DEEPEST];	/* under the caller's lock */
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	int ret, i;

	put_pid(pid);
	if (!task) {
		seq_printf(m, "pid=%d ret=%d\n", nr, -ESRCH);
		return;
	}
	ret = save_reliable(task, frames, DEEPEST);
	seq_printf(m, "pid=%d comm=%s ret=%d\n", nr, task->comm, ret);
	for (i = 0; i < ret; i++)
		seq_printf(m, "  %px %pB\n", (void *)frames[i], (void *)frames[i]);
	put_task_struct(task);
}
