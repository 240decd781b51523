/* SPDX-License-Identifier: GPL-2.0-only */
/* The objects of the kmolt core, and what its files offer to each other. */
#ifndef KMOLT_INTERNAL_H
#define KMOLT_INTERNAL_H

#include <linux/completion.h>
#include <linux/ftrace.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "kmolt_abi.h"
#include "compat.h"

/**
 * enum kmolt_state - where an edition stands in its life
 * @KMOLT_ENROLLED: its update module is loaded, its base is pinned
 * @KMOLT_STAGED: its redirects are installed as pass-through
 * @KMOLT_CURRENT: it answers for its base
 * @KMOLT_SUPERSEDED: a later edition answers; a revert comes back to it
 * @KMOLT_RETIRED: discarded, reverted or dropped; to be unloaded once nobody is
 *	in it
 */
enum kmolt_state {
	KMOLT_ENROLLED,
	KMOLT_STAGED,
	KMOLT_CURRENT,
	KMOLT_SUPERSEDED,
	KMOLT_RETIRED,
};

struct kmolt_table;
struct kmolt_outcome;

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
 * @hooked: the edition whose sites @ops has besides those of @table, or NULL
 * @table: where @ops sends them; NULL to let all of them pass
 * @commits: how many changes were committed, reverts included
 * @going: whether @mod's exit has begun
 * @changed: the last commit or revert; its number is not set
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
	const struct kmolt_edition *hooked;
	struct kmolt_table *table;
	unsigned long commits;
	bool going;
	struct kmolt_record_entry changed;
};

/**
 * struct kmolt_edition - one enrolled update module
 * @kobj: its folder below its base's
 * @rcu: defers its freeing
 * @node: in @base->editions
 * @base: what it updates
 * @desc: the descriptor, in the update module
 * @mod: the update module
 * @state: see enum kmolt_state
 * @pinned: whether a reference to @mod is held
 * @prepared: whether its prepare hook has run and was not taken back
 * @dropped: whether it was dropped: nobody is in it or can get there any more
 * @holds: who answers once it is reverted: the last edition that it was linked
 *	on and that was not dropped, which is held as well; NULL for the base
 * @held: how many editions hold it
 * @users: how many editions use what it brought
 * @passes_over: how many of those that it was linked on were dropped since
 * @tidied: the closing of the device at which it was to be unloaded last
 * @pause_ns: how long all CPUs stood still for its commit
 * @n_slots: as in @desc; this and what follows outlives the update module
 * @n_redirects: as in @desc
 * @sticky: as in @desc
 * @build_id: as in @desc
 * @version: as in @desc
 * @srcversion: as in @desc
 * @name: of its update module
 */
struct kmolt_edition {
	struct kobject kobj;
	struct rcu_head rcu;
	struct list_head node;
	struct kmolt_base *base;
	const struct kmolt_update *desc;
	struct module *mod;
	enum kmolt_state state;
	bool pinned;
	bool prepared;
	bool dropped;
	struct kmolt_edition *holds;
	unsigned int held;
	unsigned int users;
	unsigned int passes_over;
	unsigned long tidied;
	u64 pause_ns;
	u64 n_slots;
	u64 n_redirects;
	bool sticky;
	u8 build_id[KMOLT_BUILD_ID_LEN];
	char version[KMOLT_TEXT_LEN];
	char srcversion[KMOLT_TEXT_LEN];
	char name[MODULE_NAME_LEN];
};

struct kmolt_group;

/**
 * struct kmolt_counter - hits of one edition of a function, or of the original
 * @kobj: its folder below its function's
 * @target: the function
 * @index: place in the function's per-CPU counters; 0 is the original's
 * @number: of the edition, 0 for the original
 */
struct kmolt_counter {
	struct kobject kobj;
	struct kmolt_target *target;
	size_t index;
	u64 number;
};

/**
 * struct kmolt_target - a function of the kernel that has editions
 * @kobj: its folder below its group's
 * @group: the functions that it switches with
 * @desc: its part of the group's descriptor
 * @ops: leads its ftrace site to the dispatcher
 * @registered: whether @ops is live
 * @entry: where @ops leads
 * @route: the route in force, NULL for none
 * @sharing: whether another user of ftrace has been met at its site, one that
 *	changes where a call goes; stays set
 * @gone: whether its module was unloaded
 * @hits: per-CPU counters, the original's first
 * @counters: the same for people, @desc->n_editions + 1 of them
 */
struct kmolt_target {
	struct kobject kobj;
	struct kmolt_group *group;
	const struct kmolt_function *desc;
	struct ftrace_ops ops;
	bool registered;
	unsigned long entry;
	const struct kmolt_route *route;
	bool sharing;
	bool gone;
	u64 __percpu *hits;
	struct kmolt_counter **counters;
};

/**
 * struct kmolt_routing - an enrolled module with the dispatchers of a group
 * @node: in @group->routings
 * @group: whose they are
 * @desc: the descriptor, in the module
 * @mod: the module, referenced unless @retired
 * @retired: whether later routes are in force, so that it may be unloaded
 * @stuck: whether calls may pass it though it is not in force
 */
struct kmolt_routing {
	struct list_head node;
	struct kmolt_group *group;
	const struct kmolt_routes *desc;
	struct module *mod;
	bool retired;
	bool stuck;
};

/**
 * struct kmolt_group - an update module with editions; its functions switch
 *	together
 * @kobj: its folder in /sys/kernel/kmolt/editions
 * @node: in kmolt_groups
 * @desc: the descriptor, in the update module
 * @mod: the update module
 * @pinned: whether a reference to @mod is held
 * @routings: all modules with dispatchers of it
 * @routing: the one whose routes are in force, NULL for none
 * @n_targets: how many functions
 * @targets: these
 */
struct kmolt_group {
	struct kobject kobj;
	struct list_head node;
	const struct kmolt_editions *desc;
	struct module *mod;
	bool pinned;
	struct list_head routings;
	struct kmolt_routing *routing;
	size_t n_targets;
	struct kmolt_target *targets[];
};

/**
 * struct kmolt_session - an open /dev/kmolt
 * @rcu: defers its freeing
 * @refs: who has it open, and @tidy
 * @tidy: takes back what it leaves behind, once it is closed
 * @tidied: that is done
 * @closing: whether nothing can be enrolled or staged any more
 * @owner: process that opened it
 * @uid: its user
 * @auid: who has logged in, or -1, as the audit trail has it
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
	refcount_t refs;
	struct work_struct tidy;
	struct completion tidied;
	bool closing;
	pid_t owner;
	u32 uid;
	u32 auid;
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
extern struct list_head kmolt_groups;
extern struct kmolt_session __rcu *kmolt_owner;
extern char kmolt_boot_id[KMOLT_NAME_LEN];
extern unsigned long kmolt_sequence;

/* memory.c */
void *kmolt_alloc(size_t size);
bool kmolt_fails(void);
int kmolt_or_fail(int err);

/* core.c */
int kmolt_remove_module(const char *name);

/* update.c: enrolment */
int kmolt_enroll(const struct kmolt_update *desc, struct module *mod);
void kmolt_withdraw(const struct kmolt_update *desc);
struct module *kmolt_get_module(const char *name);
struct kmolt_base *kmolt_find_base(const char *name);
struct kmolt_edition *kmolt_find_edition(const char *name);
const char *kmolt_current_name(const struct kmolt_base *base);
bool kmolt_session_missing(const struct module *mod);
bool kmolt_in_transition(const struct kmolt_base *base);
void kmolt_forget_base(struct kmolt_base *base);

/* check.c: what a descriptor of any kind may say */
bool kmolt_array_ok(const struct module *mod, u64 address, u64 n, size_t size);
bool kmolt_word_ok(const struct module *mod, u64 address, size_t size);
bool kmolt_descriptor_ok(const struct module *mod, const void *desc,
			 size_t size);
bool kmolt_text_ok(const char *text, size_t size, const char *allowed);
bool kmolt_in_text(const struct module *mod, u64 address);
bool kmolt_ranges_ok(u64 address, u64 n);

/* stage.c: prepared so far that a commit cannot fail, or given up */
int kmolt_linked_on(const struct kmolt_edition *edition);
int kmolt_stage(struct kmolt_edition *edition);
void kmolt_discard(struct kmolt_edition *edition);

/* hooks.c: what a build brings to be run at a swap */
const char *kmolt_hooks_wrong(const struct kmolt_update *desc,
			      const struct module *mod);
int kmolt_hook_prepare(struct kmolt_edition *edition);
void kmolt_hook_unprepare(struct kmolt_edition *edition);

/* ways.c: how editions stand on each other, and which can be dropped */
const char *kmolt_ways_wrong(const struct kmolt_update *desc,
			     const struct module *mod,
			     const struct module *pinned);
const struct kmolt_way *kmolt_way_to(const struct kmolt_edition *edition,
				     const struct kmolt_edition *to);
const struct kmolt_way *kmolt_way_back(const struct kmolt_edition *edition);
bool kmolt_reckons_with(const struct kmolt_edition *edition,
			const struct kmolt_edition *other);
bool kmolt_stands_on(const struct kmolt_edition *edition, u64 address);
void kmolt_hold(struct kmolt_edition *edition);
void kmolt_let_go(struct kmolt_edition *edition);
const char *kmolt_stays(const struct kmolt_edition *edition);
int kmolt_drop(struct kmolt_edition *edition, struct kmolt_outcome *outcome);

/* slots.c: the words of a base that name code, and the jumps of pads */
struct kmolt_writes;
const char *kmolt_slots_wrong(const struct kmolt_update *desc,
			      const struct module *mod,
			      const struct module *pinned);
struct kmolt_writes *kmolt_writes_plan(const struct kmolt_edition *from,
				       const struct kmolt_edition *to);
const struct kmolt_slot *kmolt_writes_verify(struct kmolt_writes *writes,
					     u64 *found);
void kmolt_writes_apply(struct kmolt_writes *writes);
void kmolt_writes_free(struct kmolt_writes *writes);
size_t kmolt_writes_count(const struct kmolt_writes *writes);

/* redirect.c: calls that arrive at code which no longer answers */
struct kmolt_table *kmolt_table_create(struct kmolt_base *base,
				       const struct kmolt_edition *to,
				       const struct kmolt_edition *leaving,
				       const struct kmolt_edition *without);
int kmolt_redirect_hook(struct kmolt_base *base, const struct kmolt_table *table,
			const struct kmolt_table *other);
struct kmolt_table *kmolt_redirect_set(struct kmolt_base *base,
				       struct kmolt_table *table);
void kmolt_redirect_remove(struct kmolt_base *base);
unsigned long kmolt_redirect_handler(void);
struct kmolt_range kmolt_redirect_trampoline(const struct kmolt_base *base);
bool kmolt_leads_home(const struct kmolt_edition *edition);

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

int kmolt_scan_init(void);
struct kmolt_scan *kmolt_scan_create(size_t max_ranges);
void kmolt_scan_add(struct kmolt_scan *scan, const struct kmolt_range *ranges,
		    size_t n);
void kmolt_scan_add_ways(struct kmolt_scan *scan,
			 const struct kmolt_range *trampoline);
void kmolt_scan_sort(struct kmolt_scan *scan);
int kmolt_scan_stopped(struct kmolt_scan *scan, u64 deadline);
int kmolt_scan_glance(struct kmolt_scan *scan);
void kmolt_scan_free(struct kmolt_scan *scan);

/* stop.c: all CPUs stand still, or nothing happens */

/**
 * struct kmolt_late - a CPU that did not come to rest
 * @hotplug: a CPU was coming or going, so that none was asked to
 * @cpu: its number, -1 if all came
 * @pid: of the task that was seen there; 0 for none
 * @comm: its name
 */
struct kmolt_late {
	bool hotplug;
	int cpu;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

int kmolt_stop_init(void);
void kmolt_stop_exit(void);
int kmolt_stop(int (*fn)(void *data, u64 deadline), void *data,
	       u64 max_pause_ns, u64 *pause_ns, struct kmolt_late *late);

/* commit.c: from one edition to another in one stop of all CPUs */

/**
 * struct kmolt_outcome - what a commit did, or why it did not
 * @max_pause_ns: how long CPUs may stand still before something has changed;
 *	given by the caller
 * @pause_ns: how long CPUs stood still
 * @scan_ns: the part of it in which stacks were looked at
 * @stop_ns: how long it took in all, with waiting for the CPUs
 * @late: the CPU that did not come to rest
 * @n_writes: slots that were to be written
 * @scan: the look at all stacks; NULL if it did not come to it
 * @slot: the slot that did not hold what it should
 * @found: what it held
 */
struct kmolt_outcome {
	u64 max_pause_ns;
	u64 pause_ns;
	u64 scan_ns;
	u64 stop_ns;
	struct kmolt_late late;
	size_t n_writes;
	struct kmolt_scan *scan;
	struct kmolt_slot slot;
	u64 found;
};

#define KMOLT_MAX_PAUSE_NS	(100 * NSEC_PER_MSEC)
#define KMOLT_OUTCOME \
	{ .max_pause_ns = KMOLT_MAX_PAUSE_NS, .late = { .cpu = -1 } }

int kmolt_commit(struct kmolt_base *base, struct kmolt_edition *to, bool dry,
		 struct kmolt_outcome *outcome);
int kmolt_text_idle(const struct module *mod, struct kmolt_outcome *outcome);

/* unload.c: letting go of editions */
void kmolt_exit_sync(struct kmolt_base *base);
void kmolt_exit(const struct kmolt_update *desc);
int kmolt_vacate(struct kmolt_edition *edition, struct kmolt_outcome *outcome);
int kmolt_retire(struct kmolt_edition *edition, struct kmolt_outcome *outcome);

/* editions.c: functions with editions, from enrolment to removal */
int kmolt_enroll_editions(const struct kmolt_editions *desc,
			  struct module *mod);
void kmolt_withdraw_editions(const struct kmolt_editions *desc);
struct kmolt_group *kmolt_find_group(const char *name);
const char *kmolt_edited(const struct module *mod);
int kmolt_unload_editions(struct kmolt_group *group,
			  struct kmolt_outcome *outcome);
int kmolt_editions_init(void);
void kmolt_editions_exit(void);

/* route.c: which dispatchers answer, for all functions of a group at once */
int kmolt_enroll_routes(const struct kmolt_routes *desc, struct module *mod);
void kmolt_withdraw_routes(const struct kmolt_routes *desc);
ssize_t kmolt_show_routing(struct kmolt_group *group, char *buf);
struct kmolt_routing *kmolt_find_routing(const char *name);
int kmolt_route(struct kmolt_routing *routing);
struct kmolt_routing *kmolt_unused_routing(void);

/* site.c: the ftrace site at a function's entry */
int kmolt_target_check(struct kmolt_target *target);
int kmolt_target_lead(struct kmolt_target *target, unsigned long entry,
		      unsigned long shared);
int kmolt_target_release(struct kmolt_target *target);
void kmolt_target_set_route(struct kmolt_target *target,
			    const struct kmolt_route *route);
ssize_t kmolt_show_route(struct kmolt_target *target, char *buf);

/* switch.c: words that routes read */
s64 *kmolt_switch(const char *name);
int kmolt_switch_init(struct kobject *root);
void kmolt_switch_exit(void);

/* record.c: what was done, for dumps and the audit trail */
extern struct kmolt_record *kmolt_record;
void kmolt_record_change(const char *verb, struct kmolt_base *base,
			 const char *edition, const u8 *build_id, u64 pause_ns);
int kmolt_record_init(void);
void kmolt_record_exit(void);

/* commands.c */
void kmolt_run(struct kmolt_session *session, char *line);

/* device.c */
/* The longest reply describes as many editions as editions.c allows. */
#define KMOLT_REPLY_SIZE	(256 * 1024)
bool kmolt_session_open(void);
int kmolt_device_init(void);
void kmolt_device_exit(void);
__printf(1, 2) void kmolt_refuse(const char *fmt, ...);
void kmolt_refuse_for(const char *name, const char *what, int err);

/* sysfs.c: what is going on */
int kmolt_sysfs_init(void);
void kmolt_sysfs_exit(void);
struct kmolt_base *kmolt_base_create(struct module *mod);
struct kmolt_edition *kmolt_edition_create(struct kmolt_base *base,
					   const struct kmolt_update *desc,
					   struct module *mod);
const char *kmolt_state_name(enum kmolt_state state);

/* sysfs_editions.c: the same for functions with editions */
struct kmolt_group *kmolt_group_create(const struct kmolt_editions *desc,
				       struct module *mod);
void kmolt_group_forget(struct kmolt_group *group);

#endif
