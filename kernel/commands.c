// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of /dev/kmolt: what each of them does, and what it replies.
 * docs/abi.md lists them.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/cred.h>
#include <linux/kallsyms.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Below that, no stop succeeds; beyond, it can no longer be called a pause. */
#define MIN_PAUSE_US	100
#define MAX_PAUSE_US	1000000

static __printf(2, 3) void say(struct kmolt_session *session,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	session->reply_len += vscnprintf(session->reply + session->reply_len,
					 KMOLT_REPLY_SIZE - session->reply_len, fmt,
					 args);
	va_end(args);
}

/* Errors: a stable name for programs, a sentence for people. */

static int fail(struct kmolt_session *session, int err, const char *what)
{
	const char *name = err == -EBUSY ? "blocked" :
			   err == -ESTALE ? "stale" :
			   err == -ENOENT ? "unknown" :
			   err == -ENOMEM ? "memory" :
			   err == -EINVAL ? "usage" :
			   err == -EPERM ? "refused" :
			   err == -ETIME ? "late" :
			   err == -EAGAIN ? "busy" : "failed";

	if (session->refusal[0])
		what = session->refusal;
	else if (err == -ENOMEM)
		what = "there is not enough memory";
	say(session, "error %s: %s\n", name, what);
	return err;
}

/* What lies inside and has no name is code that ftrace has made. */
static void say_where(struct kmolt_session *session, unsigned long address)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol(name, address);
	if (strstarts(name, "0x"))
		say(session, "in a trampoline of ftrace (%s)\n", name);
	else
		say(session, "in %s\n", name);
}

static void say_outcome(struct kmolt_session *session,
			const struct kmolt_outcome *outcome)
{
	const struct kmolt_scan *scan = outcome->scan;
	unsigned int i, j;

	say(session, "pause_ns %llu\nscan_ns %llu\nstop_ns %llu\nslots %zu\n",
	    outcome->pause_ns, outcome->scan_ns, outcome->stop_ns,
	    outcome->n_writes);
	if (outcome->slot.address)
		say(session, "slot %llx expected %llx found %llx %pS\n",
		    outcome->slot.address, outcome->slot.base, outcome->found,
		    (void *)outcome->slot.address);
	if (outcome->late.hotplug)
		say(session, "hotplug 1\n");
	if (outcome->late.cpu >= 0)
		say(session, "late %d %d %s\n", outcome->late.cpu,
		    outcome->late.pid, outcome->late.comm);
	if (!scan)
		return;
	say(session, "tasks %u\nblockers %u\n", scan->n_tasks, scan->n_blockers);
	for (i = 0; i < min_t(unsigned int, scan->n_blockers, KMOLT_BLOCKERS); i++) {
		const struct kmolt_blocker *blocker = &scan->blockers[i];

		say(session, "blocker %d %s\n", blocker->pid, blocker->comm);
		if (blocker->where)
			say_where(session, blocker->where);
		else
			say(session, "unreliable stack\n");
		for (j = 0; j < blocker->depth; j++)
			say(session, "stack %pS\n", (void *)blocker->stack[j]);
	}
}

static void log_change(const struct kmolt_session *session,
		       const struct kmolt_base *base, const char *verb,
		       const struct kmolt_edition *edition,
		       const struct kmolt_outcome *outcome)
{
	const struct kmolt_edition *now = base->current_edition;

	if (now)
		pr_info("%s: %s %s, %s answers (build-id %*phN), pause %llu us, by pid %d (%s) uid %u\n",
			base->mod->name, verb, edition->mod->name,
			now->mod->name, KMOLT_BUILD_ID_LEN, now->build_id,
			outcome->pause_ns / 1000, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
	else
		pr_info("%s: %s %s, the base answers (build-id %*phN), pause %llu us, by pid %d (%s) uid %u\n",
			base->mod->name, verb, edition->mod->name,
			KMOLT_BUILD_ID_LEN, edition->desc->base_build_id,
			outcome->pause_ns / 1000, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
}

/* Commands. */

static int do_hello(struct kmolt_session *session, char *arg)
{
	say(session, "abi %d\nboot_id %s\nsequence %lu\n", KMOLT_ABI,
	    kmolt_boot_id, kmolt_sequence);
	return 0;
}

static int do_reason(struct kmolt_session *session, char *arg)
{
	say(session, "reason %s\n", session->refusal[0] ? session->refusal : "none");
	session->refusal[0] = '\0';
	return 0;
}

static struct kmolt_edition *edition_in(struct kmolt_session *session,
					const char *name, enum kmolt_state state)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);

	if (!edition || edition->base->going) {
		fail(session, -ENOENT, "there is no such edition");
		return NULL;
	}
	if (edition->state != state) {
		fail(session, -EINVAL, "the edition is in another state");
		return NULL;
	}
	return edition;
}

static int do_stage(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);
	bool again = edition && edition->state == KMOLT_RETIRED;
	int err;

	edition = edition_in(session, name,
			     again ? KMOLT_RETIRED : KMOLT_ENROLLED);
	if (!edition)
		return -ENOENT;
	err = kmolt_stage(edition);
	if (err)
		return fail(session, err, "the edition cannot be staged");
	kmolt_record_change("staged", edition->base, edition->name,
			    edition->build_id, 0);
	return 0;
}

/* Behind the name may stand how long CPUs may stand still, in microseconds. */
static int take_max_pause(struct kmolt_session *session, char *arg,
			  struct kmolt_outcome *outcome)
{
	char *text = arg;
	u64 us;

	strsep(&text, " ");
	if (!text)
		return 0;
	if (kstrtou64(strim(text), 10, &us) || us < MIN_PAUSE_US ||
	    us > MAX_PAUSE_US)
		return fail(session, -EINVAL,
			    "the longest pause is 100 to 1000000 microseconds");
	outcome->max_pause_ns = us * NSEC_PER_USEC;
	return 0;
}

static int attempt(struct kmolt_session *session, struct kmolt_base *base,
		   struct kmolt_edition *to, bool dry,
		   struct kmolt_outcome *outcome)
{
	int err = kmolt_commit(base, to, dry, outcome);

	say_outcome(session, outcome);
	kmolt_scan_free(outcome->scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are in code that is about to change");
	if (err == -ESTALE)
		return fail(session, err, "a slot does not hold what it should");
	if (err == -ETIME)
		return fail(session, err,
			    outcome->late.hotplug ? "a CPU is coming or going" :
			    outcome->late.cpu >= 0 ? "a CPU did not come to rest" :
			    "the pause would have been longer than allowed");
	if (err)
		return fail(session, err, "the change could not be prepared");
	return 0;
}

static int do_check(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *edition;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	edition = edition_in(session, name, KMOLT_STAGED);
	if (!edition)
		return -ENOENT;
	return attempt(session, edition->base, edition, true, &outcome);
}

static int do_commit(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *edition;
	struct kmolt_base *base;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	edition = edition_in(session, name, KMOLT_STAGED);
	if (!edition)
		return -ENOENT;
	base = edition->base;
	err = kmolt_linked_on(edition);
	if (err)
		return fail(session, err, "something else answers now");
	err = attempt(session, base, edition, false, &outcome);
	if (err)
		return err;
	edition->state = KMOLT_CURRENT;
	edition->pause_ns = outcome.pause_ns;
	if (edition->holds)
		edition->holds->state = KMOLT_SUPERSEDED;
	kmolt_exit_sync(base);
	log_change(session, base, "committed", edition, &outcome);
	kmolt_record_change("committed", base, edition->name, edition->build_id,
			    outcome.pause_ns);
	/* From here on rmmod works as ever. */
	module_put(base->mod);
	return 0;
}

static int do_revert(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *from;
	struct kmolt_base *base;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	base = kmolt_find_base(name);
	from = base ? base->current_edition : NULL;
	if (!from)
		return fail(session, -ENOENT, "no edition answers for that module");
	if (!try_module_get(base->mod))
		return fail(session, -ENOENT, "the module is being unloaded");
	err = attempt(session, base, from->holds, false, &outcome);
	if (!err) {
		if (from->holds)
			from->holds->state = KMOLT_CURRENT;
		from->state = KMOLT_RETIRED;
		kmolt_hook_unprepare(from);
		kmolt_exit_sync(base);
		log_change(session, base, "reverted", from, &outcome);
		kmolt_record_change("reverted", base, from->name,
				    from->build_id, outcome.pause_ns);
		say(session, "retired %s\n", from->mod->name);
	}
	module_put(base->mod);
	return err;
}

static int do_discard(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);

	/* Those of a base that goes are its exit's, which waits without a lock. */
	if (!edition || edition->base->going ||
	    (edition->state != KMOLT_ENROLLED &&
	     edition->state != KMOLT_STAGED))
		return fail(session, -ENOENT, "no such edition is staged");
	pr_info("%s: discarded %s (build-id %*phN), by pid %d (%s) uid %u\n",
		edition->base->mod->name, edition->name, KMOLT_BUILD_ID_LEN,
		edition->build_id, session->owner, session->comm,
		from_kuid(&init_user_ns, current_uid()));
	kmolt_discard(edition);
	return 0;
}

/* What became of an attempt to let an edition's code be unloaded. */
static int say_left(struct kmolt_session *session, int err,
		    struct kmolt_outcome *outcome, const char *stays)
{
	say_outcome(session, outcome);
	kmolt_scan_free(outcome->scan);
	switch (err) {
	case 0:
		return 0;
	case -EBUSY:
		return fail(session, err, "tasks are still in its code");
	case -EPERM:
		return fail(session, err, stays);
	default:
		return fail(session, err, "its code cannot be left");
	}
}

static int do_retire(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = edition_in(session, name, KMOLT_RETIRED);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	const char *stays;

	if (!edition)
		return -ENOENT;
	stays = edition->sticky ?
		"objects may point into it until its base is unloaded" :
		"an edition that stays was linked on it";
	return say_left(session, kmolt_retire(edition, &outcome), &outcome,
			stays);
}

static int do_drop(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = edition_in(session, name,
						   KMOLT_SUPERSEDED);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	int err;

	if (!edition)
		return -ENOENT;
	err = say_left(session, kmolt_drop(edition, &outcome), &outcome,
		       "it has to stay");
	if (err)
		return err;
	log_change(session, edition->base, "dropped", edition, &outcome);
	kmolt_record_change("dropped", edition->base, edition->name,
			    edition->build_id, outcome.pause_ns);
	return 0;
}

/* Editions of functions. */

/* All that dispatchers are made from. */
static int do_describe(struct kmolt_session *session, char *name)
{
	struct kmolt_group *group = kmolt_find_group(name);
	size_t i, j;

	if (!group)
		return fail(session, -ENOENT, "there are no such editions");
	say(session, "routes %s\n",
	    group->routing ? group->routing->mod->name : "none");
	for (i = 0; i < group->n_targets; i++) {
		const struct kmolt_target *target = group->targets[i];
		const struct kmolt_code *codes = (void *)target->desc->editions;

		say(session, "function %s %llx %llx %llx %s\n",
		    target->desc->label, target->desc->address,
		    target->desc->marker,
		    target->route ? target->route->entry : 0,
		    target->gone ? "gone" : "there");
		say(session, "route %s\n",
		    target->route ? target->route->text : "0");
		for (j = 0; j <= target->desc->n_editions; j++)
			say(session, "edition %llu %llx %lx\n",
			    target->counters[j]->number,
			    j ? codes[j - 1].address : 0,
			    (unsigned long)(target->hits + j));
	}
	return 0;
}

static int do_switch(struct kmolt_session *session, char *arg)
{
	char *name = strsep(&arg, " ");
	s64 value, *word;

	if (arg && kstrtos64(strim(arg), 0, &value))
		return fail(session, -EINVAL, "a switch holds a 64-bit integer");
	word = kmolt_switch(name);
	if (IS_ERR(word))
		return fail(session, PTR_ERR(word),
			    PTR_ERR(word) == -ENOSPC ? "there are 64 switches already" :
			    "a switch is named by up to 31 letters, digits, \"_\", \"-\" and \".\"");
	if (arg) {
		WRITE_ONCE(*word, value);
		pr_info("switch %s set to %lld, by pid %d (%s) uid %u\n", name,
			value, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
	}
	say(session, "switch %s %lld %lx\n", name, READ_ONCE(*word),
	    (unsigned long)word);
	return 0;
}

static void log_routes(const struct kmolt_session *session,
		       const struct kmolt_routing *routing)
{
	const struct kmolt_group *group = routing->group;
	const struct kmolt_route *routes = (void *)routing->desc->routes;
	size_t i;

	for (i = 0; i < group->n_targets; i++)
		pr_info("%s: %s routed by \"%s\", by pid %d (%s) uid %u\n",
			group->desc->name, group->targets[i]->desc->label,
			routes[i].text, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
}

/* Modules with dispatchers that may be unloaded now. */
static void say_retired(struct kmolt_session *session,
			const struct kmolt_group *group)
{
	struct kmolt_routing *routing;

	list_for_each_entry(routing, &group->routings, node)
		if (routing->retired)
			say(session, "retired %s\n", routing->mod->name);
}

static int do_route(struct kmolt_session *session, char *name)
{
	struct kmolt_routing *routing = kmolt_find_routing(name);
	int err;

	if (!routing || routing->retired || routing->stuck ||
	    routing == routing->group->routing)
		return fail(session, -ENOENT, "there are no such routes");
	err = kmolt_route(routing);
	if (err)
		return fail(session, err, "ftrace refuses the dispatchers");
	log_routes(session, routing);
	say_retired(session, routing->group);
	return 0;
}

static int do_unload(struct kmolt_session *session, char *name)
{
	struct kmolt_group *group = kmolt_find_group(name);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	int err;

	if (!group)
		return fail(session, -ENOENT, "there are no such editions");
	/* It was done before, and the modules are still to be removed. */
	if (!group->pinned)
		goto unpinned;
	if (group->routing)
		return fail(session, -EINVAL, "routes lead to these editions");
	err = kmolt_unload_editions(group, &outcome);
	say_outcome(session, &outcome);
	kmolt_scan_free(outcome.scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are still in their code");
	if (err)
		return fail(session, err, "they cannot be unloaded");
	pr_info("%s: unloaded, by pid %d (%s) uid %u\n", group->desc->name,
		session->owner, session->comm,
		from_kuid(&init_user_ns, current_uid()));
unpinned:
	say_retired(session, group);
	say(session, "retired %s\n", group->mod->name);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct kmolt_session *session, char *arg);
	bool takes_name;
} commands[] = {
	{ "hello", do_hello, false },
	{ "reason", do_reason, false },
	{ "stage", do_stage, true },
	{ "check", do_check, true },
	{ "commit", do_commit, true },
	{ "revert", do_revert, true },
	{ "discard", do_discard, true },
	{ "retire", do_retire, true },
	{ "drop", do_drop, true },
	{ "describe", do_describe, true },
	{ "switch", do_switch, true },
	{ "route", do_route, true },
	{ "unload", do_unload, true },
};

/**
 * kmolt_run - carry out a command
 * @session: who gives it; receives the reply
 * @line: the command, without the end of its line
 */
void kmolt_run(struct kmolt_session *session, char *line)
{
	char *name = strsep(&line, " ");
	char *arg = line ? strim(line) : "";
	size_t i;

	session->reply_len = 0;
	session->reply_read = 0;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		if (commands[i].takes_name != (arg[0] != '\0')) {
			say(session, "error usage: %s takes %s\n", name,
			    commands[i].takes_name ? "a name" : "nothing");
			return;
		}
		mutex_lock(&kmolt_mutex);
		if (commands[i].run != do_reason)
			session->refusal[0] = '\0';
		if (!commands[i].run(session, arg))
			say(session, "ok\n");
		mutex_unlock(&kmolt_mutex);
		return;
	}
	say(session, "error usage: unknown command\n");
}
