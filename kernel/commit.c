// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commit: from the edition that answers to another one, in one stop of all
 * CPUs.  Everything that can fail or sleep is done before; in the stop slots
 * are verified and stacks are looked at before the first word is written.  A
 * stop that would be in vain, since somebody sleeps in the way, is not begun.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "internal.h"

/* How often to look for a moment at which nobody sleeps inside. */
#define GLANCES		32
#define GLANCE_US	1000

struct commit {
	struct kmolt_base *base;
	struct kmolt_edition *from;
	struct kmolt_edition *to;
	struct kmolt_writes *writes;
	struct kmolt_table *table;
	struct kmolt_outcome *outcome;
	bool dry;
};

static void apply(struct commit *commit)
{
	struct kmolt_base *base = commit->base;

	kmolt_writes_apply(commit->writes);
	/* What was the table until now is to be freed. */
	commit->table = kmolt_redirect_set(base, commit->table);
	WRITE_ONCE(base->current_edition, commit->to);
	WRITE_ONCE(base->commits, base->commits + 1);
}

static int stopped(void *data, u64 deadline)
{
	struct commit *commit = data;
	struct kmolt_outcome *outcome = commit->outcome;
	u64 start = ktime_get_mono_fast_ns();
	const struct kmolt_slot *slot;
	int err;

	slot = kmolt_writes_verify(commit->writes, &outcome->found);
	if (slot) {
		outcome->slot = *slot;
		return -ESTALE;
	}
	err = kmolt_scan_stopped(outcome->scan, deadline);
	outcome->scan_ns = ktime_get_mono_fast_ns() - start;
	if (!err && !commit->dry)
		apply(commit);
	return err;
}

/* To a later edition, or back from one. */
static bool is_revert(const struct commit *commit)
{
	return !commit->to ||
	       (commit->from && commit->from->holds == commit->to);
}

/* Returns how many there are; without @scan they are only counted. */
static size_t add(struct kmolt_scan *scan, u64 ranges, size_t n)
{
	if (scan)
		kmolt_scan_add(scan, (const struct kmolt_range *)ranges, n);
	return n;
}

static size_t add_text(struct kmolt_scan *scan,
		       const struct kmolt_edition *edition)
{
	struct kmolt_range text = kmolt_module_text(edition->mod);

	return add(scan, (u64)&text, 1);
}

/*
 * Who went to sleep in an edition goes on in its code after it was reverted,
 * and calls of its functions lead from there to those below it, if they can.
 * That was sound for what answered then; whether it is for what is to answer
 * now is told by that one's descriptor, or by the ways back that its own has.
 * All of its code must be empty where neither does.
 */
static size_t add_reverted(struct kmolt_scan *scan, const struct commit *commit,
			   const struct kmolt_edition *reverted)
{
	const struct kmolt_edition *below = reverted->holds;
	const struct kmolt_way *way;
	size_t n = 0;

	/* What was empty for @to's own commit, nobody has come into since. */
	if (commit->to && kmolt_reckons_with(commit->to, reverted))
		return 0;
	if (!is_revert(commit))
		return add_text(scan, reverted);
	while ((way = kmolt_way_to(reverted, below))) {
		n += add(scan, way->ranges, way->n_ranges);
		if (below == commit->to)
			return n;
		if (!below)
			break;
		below = below->holds;
	}
	return n + add_text(scan, reverted);
}

static size_t add_all_reverted(struct kmolt_scan *scan,
			       const struct commit *commit)
{
	const struct kmolt_edition *edition;
	size_t n = 0;

	list_for_each_entry(edition, &commit->base->editions, node)
		if (edition != commit->to && kmolt_leads_home(edition))
			n += add_reverted(scan, commit, edition);
	return n;
}

static struct kmolt_scan *scan_for(const struct commit *commit)
{
	struct kmolt_range trampoline = kmolt_redirect_trampoline(commit->base);
	const struct kmolt_way *back = is_revert(commit) ?
				       kmolt_way_back(commit->from) : NULL;
	u64 ranges = back ? back->ranges : commit->to->desc->commit_ranges;
	size_t n = back ? back->n_ranges : commit->to->desc->n_commit_ranges;
	size_t n_reverted = add_all_reverted(NULL, commit);
	struct kmolt_scan *scan = kmolt_scan_create(n + n_reverted + 1);

	if (!scan)
		return NULL;
	add(scan, ranges, n);
	add_all_reverted(scan, commit);
	kmolt_scan_add_ways(scan, &trampoline);
	kmolt_scan_sort(scan);
	return scan;
}

static int prepare(struct commit *commit)
{
	struct kmolt_edition *leaving = is_revert(commit) ? commit->from : NULL;
	struct kmolt_writes *writes;

	int err;

	commit->table = kmolt_table_create(commit->base, commit->to, leaving,
					   NULL);
	if (!commit->table)
		return -ENOMEM;
	writes = kmolt_writes_plan(commit->from, commit->to);
	if (IS_ERR(writes))
		return PTR_ERR(writes);
	commit->writes = writes;
	commit->outcome->n_writes = kmolt_writes_count(writes);
	/* For an edition that was staged, this is done. */
	if (!commit->to || commit->base->hooked != commit->to) {
		err = kmolt_redirect_hook(commit->base, commit->base->table,
					  commit->table);
		if (err) {
			kmolt_refuse_for(commit->base->mod->name,
					 "ftrace refuses the redirects", err);
			/* -EBUSY would stand for tasks that are in the way. */
			return err == -EBUSY ? -EPERM : err;
		}
		commit->base->hooked = commit->to;
	}
	/* Hooking may have changed the way to the handler. */
	commit->outcome->scan = scan_for(commit);
	return commit->outcome->scan ? 0 : -ENOMEM;
}

/* Looks, then stops all CPUs and looks again; 0 is what @fn says. */
static int stop_and_look(struct kmolt_outcome *outcome,
			 int (*fn)(void *data, u64 deadline), void *data)
{
	u64 start = ktime_get_mono_fast_ns();
	int err, i;

	/* In a busy module somebody is nearly always inside: wait for a moment. */
	for (i = 0; i < GLANCES; i++) {
		err = kmolt_scan_glance(outcome->scan);
		if (!err)
			break;
		usleep_range(GLANCE_US, 2 * GLANCE_US);
	}
	if (!err)
		err = kmolt_stop(fn, data, outcome->max_pause_ns,
				 &outcome->pause_ns, &outcome->late);
	outcome->stop_ns = ktime_get_mono_fast_ns() - start;
	return err;
}

/**
 * kmolt_commit - let another edition answer
 * @base: the base; one of @to and the current edition is not NULL
 * @to: the edition, staged or superseded; NULL for the base itself
 * @dry: look, change nothing
 * @outcome: begun with KMOLT_OUTCOME; receives what happened; its scan is the
 *	caller's to free
 *
 * May sleep.  Return: 0; -EBUSY if tasks are in the way; -EPERM if ftrace has
 * refused redirects, as others are at their sites; -ETIME if the CPUs
 * could not be stopped, or would have been for too long; -ESTALE if a slot does
 * not hold what it should; another error where memory is short.  Nothing has
 * changed unless 0 is returned.
 */
int kmolt_commit(struct kmolt_base *base, struct kmolt_edition *to, bool dry,
		 struct kmolt_outcome *outcome)
{
	struct commit commit = {
		.base = base,
		.from = base->current_edition,
		.to = to,
		.outcome = outcome,
		.dry = dry,
	};
	int err = prepare(&commit);

	if (!err)
		err = stop_and_look(outcome, stopped, &commit);
	/* Only takes sites away; a staged edition's stay, for the next attempt. */
	if ((!err && !dry) || is_revert(&commit))
		if (kmolt_redirect_hook(base, base->table, NULL))
			pr_warn("%s: unused redirects stay hooked\n",
				base->mod->name);
	if (commit.writes)
		kmolt_writes_free(commit.writes);
	kvfree(commit.table);
	return err;
}

static int look(void *data, u64 deadline)
{
	struct kmolt_outcome *outcome = data;
	u64 start = ktime_get_mono_fast_ns();
	int err = kmolt_scan_stopped(outcome->scan, deadline);

	outcome->scan_ns = ktime_get_mono_fast_ns() - start;
	return err;
}

/**
 * kmolt_text_idle - whether no task is in a module's code
 * @mod: the module
 * @outcome: begun with KMOLT_OUTCOME; receives who is; its scan is the caller's
 *	to free
 *
 * Return: 0, -EBUSY, -ETIME or -ENOMEM.
 */
int kmolt_text_idle(const struct module *mod, struct kmolt_outcome *outcome)
{
	struct kmolt_range text = kmolt_module_text(mod);

	outcome->scan = kmolt_scan_create(1);
	if (!outcome->scan)
		return -ENOMEM;
	kmolt_scan_add(outcome->scan, &text, 1);
	return stop_and_look(outcome, look, outcome);
}
