// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commit: from the edition that answers to another one, in one stop of all
 * CPUs.  Everything that can fail or sleep is done before; in the stop slots
 * are verified and stacks are looked at before the first word is written.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>
#include <asm/sync_core.h>

#include "internal.h"

struct commit {
	struct kmolt_base *base;
	struct kmolt_edition *from;
	struct kmolt_edition *to;
	struct kmolt_writes *writes;
	struct kmolt_table *table;
	struct kmolt_outcome *outcome;
	bool dry;
	atomic_t begun;
	bool done;
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

static int stopped(void *data)
{
	struct commit *commit = data;
	struct kmolt_outcome *outcome = commit->outcome;
	u64 start = ktime_get_mono_fast_ns();
	const struct kmolt_slot *slot;
	int err = 0;

	slot = kmolt_writes_verify(commit->writes, &outcome->found);
	if (slot) {
		outcome->slot = *slot;
		err = -ESTALE;
		goto out;
	}
	kmolt_scan_stopped(outcome->scan);
	outcome->scan_ns = ktime_get_mono_fast_ns() - start;
	if (outcome->scan->n_blockers)
		err = -EBUSY;
	else if (!commit->dry)
		apply(commit);
out:
	outcome->pause_ns = ktime_get_mono_fast_ns() - start;
	return err;
}

/* On all CPUs: one of them commits, and none goes on with code it fetched before. */
static int stopped_everywhere(void *data)
{
	struct commit *commit = data;
	int err = 0;

	if (!atomic_xchg(&commit->begun, 1)) {
		err = stopped(commit);
		/* Pairs with the acquire below: they see all that was written. */
		smp_store_release(&commit->done, true);
	} else {
		/* Pairs with the release above. */
		while (!smp_load_acquire(&commit->done))
			cpu_relax();
	}
	sync_core();
	return err;
}

/* To a later edition, or back from one. */
static bool is_revert(const struct commit *commit)
{
	return !commit->to ||
	       (commit->from && commit->from->previous == commit->to);
}

static struct kmolt_scan *scan_for(const struct commit *commit)
{
	bool revert = is_revert(commit);
	const struct kmolt_update *desc = revert ? commit->from->desc :
						   commit->to->desc;
	size_t n = revert ? desc->n_revert_ranges : desc->n_commit_ranges;
	struct kmolt_scan *scan = kmolt_scan_create(n);

	if (!scan)
		return NULL;
	kmolt_scan_add(scan, (const struct kmolt_range *)
		       (revert ? desc->revert_ranges : desc->commit_ranges), n);
	kmolt_scan_sort(scan);
	return scan;
}

static int prepare(struct commit *commit)
{
	struct kmolt_edition *leaving = is_revert(commit) ? commit->from : NULL;
	struct kmolt_writes *writes;

	commit->outcome->scan = scan_for(commit);
	commit->table = kmolt_table_create(commit->base, commit->to, leaving,
					   NULL);
	if (!commit->outcome->scan || !commit->table)
		return -ENOMEM;
	writes = kmolt_writes_plan(commit->from, commit->to);
	if (IS_ERR(writes))
		return PTR_ERR(writes);
	commit->writes = writes;
	commit->outcome->n_writes = kmolt_writes_count(writes);
	return kmolt_redirect_hook(commit->base, commit->base->table,
				   commit->table);
}

/**
 * kmolt_commit - let another edition answer
 * @base: the base; one of @to and the current edition is not NULL
 * @to: the edition, staged or superseded; NULL for the base itself
 * @dry: look, change nothing
 * @outcome: receives what happened; its scan is the caller's to free
 *
 * May sleep.  Return: 0; -EBUSY if tasks are in the way; -ESTALE if a slot
 * does not hold what it should; another error where memory is short.  Nothing
 * has changed unless 0 is returned.
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
	u64 start;
	int err;

	err = prepare(&commit);
	if (!err) {
		start = ktime_get_mono_fast_ns();
		err = stop_machine(stopped_everywhere, &commit, cpu_online_mask);
		outcome->stop_ns = ktime_get_mono_fast_ns() - start;
	}
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

static int look(void *data)
{
	struct kmolt_outcome *outcome = data;
	u64 start = ktime_get_mono_fast_ns();

	kmolt_scan_stopped(outcome->scan);
	outcome->scan_ns = ktime_get_mono_fast_ns() - start;
	outcome->pause_ns = outcome->scan_ns;
	return outcome->scan->n_blockers ? -EBUSY : 0;
}

/**
 * kmolt_text_idle - whether no task is in a module's code
 * @mod: the module
 * @outcome: receives who is; its scan is the caller's to free
 *
 * Return: 0, -EBUSY or -ENOMEM.
 */
int kmolt_text_idle(const struct module *mod, struct kmolt_outcome *outcome)
{
	struct kmolt_range text = kmolt_module_text(mod);

	outcome->scan = kmolt_scan_create(1);
	if (!outcome->scan)
		return -ENOMEM;
	kmolt_scan_add(outcome->scan, &text, 1);
	return stop_machine(look, outcome, NULL);
}
