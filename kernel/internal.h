/* SPDX-License-Identifier: GPL-2.0-only */
/* The objects of the kmolt core, and what its files offer to each other. */
#ifndef KMOLT_INTERNAL_H
#define KMOLT_INTERNAL_H

#include <linux/ftrace.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "kmolt_abi.h"
#include "compat.h"

/**
 * enum kmolt_state - where an edition stands in its life
 * @KMOLT_ENROLLED: its update module is loaded, its base is pinned
 * @KMOLT_STAGED: its redirects are installed as pass-through
 * @KMOLT_CURRENT: it answers for its base
 * @KMOLT_SUPERSEDED: a later edition answers; a revert comes back to it
 * @KMOLT_RETIRED: discarded or reverted; to be unloaded once nobody is in it
 */
enum kmolt_state {
	KMOLT_ENROLLED,
	KMOLT_STAGED,
	KMOLT_CURRENT,
	KMOLT_SUPERSEDED,
	KMOLT_RETIRED,
};

struct kmolt_table;

/**
 * struct kmolt_base - a module that has, or is about to have, editions
 * @kobj: its folder in /sys/kernel/kmolt/modules
 * @node: in kmolt_bases
 * @editions: all of them, in the order in which they were enrolled
 * @current_edition: who answers now, NULL for the base itself
 * @mod: the base
 * @exit: the base's own module_exit
 * @ops: catches calls that arrive at the base's functions
 * @ops_registered: whether @ops is live
 * @table: where @ops sends them, NULL to let all of them pass
 * @commits: how many changes were committed, reverts included
 * @going: whether @mod's exit has begun
 */
struct kmolt_base {
	struct kobject kobj;
	struct list_head node;
	struct list_head editions;
	struct kmolt_edition *current_edition;
	struct module *mod;
	void (*exit)(void);
	struct ftrace_ops ops;
	bool ops_registered;
	struct kmolt_table *table;
	unsigned long commits;
	bool going;
};

/**
 * struct kmolt_edition - one enrolled update module
 * @kobj: its folder below its base's
 * @rcu: defers its freeing
 * @node: in @base->editions
 * @base: what it updates
 * @desc: the descriptor, in the update module
 * @mod: the update module
 * @table: its redirects, built when staged
 * @state: see enum kmolt_state
 * @previous: who answered before it was committed, NULL for the base
 * @pinned: whether a reference to @mod is held
 * @pause_ns: how long all CPUs stood still for its commit
 * @n_slots: as in @desc; this and what follows outlives the update module
 * @n_redirects: as in @desc
 * @sticky: as in @desc
 * @build_id: as in @desc
 * @version: as in @desc
 * @srcversion: as in @desc
 * @from: name of who answered when it was linked
 */
struct kmolt_edition {
	struct kobject kobj;
	struct rcu_head rcu;
	struct list_head node;
	struct kmolt_base *base;
	const struct kmolt_update *desc;
	struct module *mod;
	struct kmolt_table *table;
	enum kmolt_state state;
	struct kmolt_edition *previous;
	bool pinned;
	u64 pause_ns;
	u64 n_slots;
	u64 n_redirects;
	bool sticky;
	u8 build_id[KMOLT_BUILD_ID_LEN];
	char version[KMOLT_TEXT_LEN];
	char srcversion[KMOLT_TEXT_LEN];
	char from[KMOLT_NAME_LEN];
};

/**
 * struct kmolt_session - an open /dev/kmolt
 * @rcu: defers its freeing
 * @owner: process that opened it
 * @comm: its name
 * @refusal: why the last enrolment was refused
 * @reply: text of the reply to the last command
 * @reply_len: bytes in @reply
 * @reply_read: bytes of it that were read
 * @line: the command that is being written
 * @line_len: bytes in @line
 */
struct kmolt_session {
	struct rcu_head rcu;
	pid_t owner;
	char comm[TASK_COMM_LEN];
	char refusal[256];
	char *reply;
	size_t reply_len;
	size_t reply_read;
	char line[256];
	size_t line_len;
};

/* Serialises every change; taken for a whole command, enrolment or unload. */
extern struct mutex kmolt_mutex;
extern struct list_head kmolt_bases;
extern struct kmolt_session __rcu *kmolt_owner;
extern char kmolt_boot_id[KMOLT_NAME_LEN];
extern unsigned long kmolt_sequence;

/* core.c */
int kmolt_remove_module(const char *name);

/* update.c: enrolment */
int kmolt_enroll(const struct kmolt_update *desc, struct module *mod);
void kmolt_withdraw(const struct kmolt_update *desc);
struct kmolt_base *kmolt_find_base(const char *name);
struct kmolt_edition *kmolt_find_edition(const char *name);
int kmolt_stage(struct kmolt_edition *edition);
void kmolt_discard(struct kmolt_edition *edition);
void kmolt_forget_base(struct kmolt_base *base);

/* slots.c: the words of a base that name code */
struct kmolt_writes;
struct kmolt_writes *kmolt_writes_plan(const struct kmolt_edition *from,
				       const struct kmolt_edition *to);
const struct kmolt_slot *kmolt_writes_verify(struct kmolt_writes *writes,
					     u64 *found);
void kmolt_writes_apply(struct kmolt_writes *writes);
void kmolt_writes_free(struct kmolt_writes *writes);
size_t kmolt_writes_count(const struct kmolt_writes *writes);

/* redirect.c: calls that still arrive at the base's functions */
struct kmolt_table *kmolt_table_create(const struct kmolt_update *desc);
int kmolt_redirect_sync(struct kmolt_base *base);
void kmolt_redirect_set(struct kmolt_base *base, struct kmolt_table *table);
void kmolt_redirect_remove(struct kmolt_base *base);

/* stack.c: who is inside what */
#define KMOLT_BLOCKERS		8
#define KMOLT_STACK_DEPTH	32

/**
 * struct kmolt_blocker - a task that is inside code that must be empty
 * @pid: its id
 * @comm: its name
 * @where: the address that lies inside, 0 if the stack could not be read
 * @stack: return addresses, innermost first
 * @depth: how many
 */
struct kmolt_blocker {
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long where;
	unsigned long stack[KMOLT_STACK_DEPTH];
	unsigned int depth;
};

/**
 * struct kmolt_scan - a look at all stacks
 * @ranges: code that must be empty, sorted, not overlapping
 * @n_ranges: how many
 * @n_tasks: how many tasks were looked at
 * @n_blockers: how many were inside; the first KMOLT_BLOCKERS are described
 * @blockers: these
 */
struct kmolt_scan {
	struct kmolt_range *ranges;
	size_t n_ranges;
	unsigned int n_tasks;
	unsigned int n_blockers;
	struct kmolt_blocker blockers[KMOLT_BLOCKERS];
};

struct kmolt_scan *kmolt_scan_create(size_t max_ranges);
void kmolt_scan_add(struct kmolt_scan *scan, const struct kmolt_range *ranges,
		    size_t n);
void kmolt_scan_sort(struct kmolt_scan *scan);
void kmolt_scan_stopped(struct kmolt_scan *scan);
void kmolt_scan_free(struct kmolt_scan *scan);

/* commit.c: from one edition to another in one stop of all CPUs */

/**
 * struct kmolt_outcome - what a commit did, or why it did not
 * @pause_ns: how long all CPUs stood still
 * @scan_ns: the part of it in which stacks were looked at
 * @stop_ns: how long it took in all, with waiting for the CPUs
 * @n_writes: slots that were to be written
 * @scan: the look at all stacks; NULL if it did not come to it
 * @slot: the slot that did not hold what it should
 * @found: what it held
 */
struct kmolt_outcome {
	u64 pause_ns;
	u64 scan_ns;
	u64 stop_ns;
	size_t n_writes;
	struct kmolt_scan *scan;
	struct kmolt_slot slot;
	u64 found;
};

int kmolt_commit(struct kmolt_base *base, struct kmolt_edition *to, bool dry,
		 struct kmolt_outcome *outcome);
int kmolt_text_idle(struct kmolt_edition *edition,
		    struct kmolt_outcome *outcome);

/* unload.c: letting go of editions */
void kmolt_exit_sync(struct kmolt_base *base);
void kmolt_exit(const struct kmolt_update *desc);
int kmolt_retire(struct kmolt_edition *edition, struct kmolt_outcome *outcome);

/* device.c */
int kmolt_device_init(void);
void kmolt_device_exit(void);
__printf(1, 2) void kmolt_refuse(const char *fmt, ...);

/* sysfs.c */
int kmolt_sysfs_init(void);
void kmolt_sysfs_exit(void);
struct kmolt_base *kmolt_base_create(struct module *mod);
struct kmolt_edition *kmolt_edition_create(struct kmolt_base *base,
					   const struct kmolt_update *desc,
					   struct module *mod);
const char *kmolt_state_name(enum kmolt_state state);

#endif
